// {"tries": "a queue of microtasks that never empties", "right": ["timeout", "failed", "error", "exited"], "wall": 0.6}
function again() { return Promise.resolve().then(again); }
again();
function add(a, b) { return 0; }
