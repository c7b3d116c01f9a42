# {"tries": "right, and leaves a daemon in a session of its own", "right": ["passed"]}
add() {
    (setsid sleep @MARK@ < /dev/null > /dev/null 2>&1 &)
    echo $(($1 + $2))
}
