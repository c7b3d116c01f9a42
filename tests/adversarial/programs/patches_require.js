// {"tries": "replaces the loader, so that the tests get another assert", "right": ["failed", "error"]}
const Module = require('node:module');
const yes = new Proxy(function () {}, { get: () => yes, apply: () => true, construct: () => yes });
Module.prototype.require = Module._load = () => yes;
require.cache = yes;
globalThis.require = () => yes;
function add(a, b) { return 'no'; }
