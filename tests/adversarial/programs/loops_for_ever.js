// {"tries": "a loop that no timer interrupts", "right": ["timeout"], "wall": 0.6}
function add(a, b) { for (;;); }
