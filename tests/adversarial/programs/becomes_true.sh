# {"tries": "becomes another program in the call and at once", "right": ["exited", "failed"]}
add() { echo 0; }
exec /bin/true
