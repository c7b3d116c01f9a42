# {"tries": "exit 0 before the tests", "right": ["exited", "failed"]}
add() { echo 0; }
echo passed
exit 0
