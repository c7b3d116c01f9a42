// {"tries": "a proxy that is equal to whatever it is compared with", "right": ["failed", "error"]}
function add(a, b) {
  return new Proxy(Object(3), {
    get: (target, key) => key === Symbol.toPrimitive ? () => a + b : target[key],
    getPrototypeOf: () => Number.prototype,
    ownKeys: () => [],
  });
}
