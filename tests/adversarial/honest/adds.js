// {"tries": "just adds", "right": ["passed"]}
function add(a, b) { return a + b; }
