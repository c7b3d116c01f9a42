# {"tries": "a fork bomb", "right": ["timeout", "failed", "error", "exited", "memory", "signal"], "wall": 0.5}
add() { add | add & wait; }
