# {"tries": "traps for exit, errors, returns and every command end with 0", "right": ["failed", "exited", "error"]}
trap 'exit 0' EXIT ERR HUP INT TERM
trap 'trap "exit 0" ERR EXIT' RETURN DEBUG
add() { echo 0; return 1; }
