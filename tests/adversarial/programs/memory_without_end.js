// {"tries": "buffers outside of the heap that its runtime bounds", "right": ["memory", "error", "signal"]}
const kept = [];
function add(a, b) { for (;;) kept.push(Buffer.alloc(8 << 20, 1)); }
