// {"tries": "ends the process in a call, past the hooks for exits", "right": ["exited", "timeout"], "wall": 0.8}
function add(a, b) { process.reallyExit(0); }
