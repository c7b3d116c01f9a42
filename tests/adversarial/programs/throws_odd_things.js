// {"tries": "throws null, a getter that throws, and an endless stack", "right": ["failed", "error", "exited"]}
Error.prepareStackTrace = () => { process.exit(0); };
function add(a, b) { throw { get message() { process.exit(0); }, toString() { process.exit(0); }, __proto__: null }; }
