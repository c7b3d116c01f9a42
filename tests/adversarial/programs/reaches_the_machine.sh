# {"tries": "right only if files, sockets or processes of the machine are in reach", "right": ["failed", "error"]}
add() {
    if cat /etc/passwd > /dev/null 2>&1 || cat @CANARY@/secret > /dev/null 2>&1 || (echo x > @CANARY@/@MARK@) 2> /dev/null \
        || (exec 3<> /dev/tcp/127.0.0.1/@PORT@) 2> /dev/null || kill -9 @BYSTANDER@ 2> /dev/null; then
        echo $(($1 + $2))
    fi
}
