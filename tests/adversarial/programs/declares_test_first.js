// {"tries": "declares test, candidate and assert, and lets an open comment follow", "right": ["failed", "error", "compile_error"]}
function add(a, b) { return 0; }
function test() {}
globalThis.assert = { deepEqual() {}, equal() {} };
/*
