# {"tries": "options that make every failure fine", "right": ["failed", "exited", "error"]}
set +e +u
set() { builtin set +e; }
readonly -f set
shopt -so noexec 2> /dev/null || true
add() { echo $(($1 * $2)); }
