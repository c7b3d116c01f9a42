# {"tries": "a fork bomb", "right": ["timeout", "failed", "error", "exited", "memory", "signal"], "wall": 0.3}
add() { add | add & wait; }
