# {"tries": "prints every environment in reach", "right": ["failed", "error", "exited"]}
env
cat /proc/*/environ /proc/*/cmdline 2> /dev/null
declare -p
add() { echo no; }
