// {"tries": "modules, files, output, programs, big numbers, its own prototypes", "right": ["passed"]}
const fs = require('fs');
const { execSync } = require('child_process');
Array.prototype.last = function () { return this[this.length - 1]; };
class Money { constructor(c) { this.c = c; } equals(o) { return this.c === o.c; } }
const depth = (n) => n === 0 ? 0 : 1 + depth(n - 1);
function add(a, b) {
  console.log('x'.repeat(100000), 'ä☃');
  fs.writeFileSync('note', String(a));
  if (String(execSync('cat note')) !== String(a) || depth(5000) !== 5000 || 2n ** 64n < 1n) return null;
  return new Money(1).equals(new Money(1)) ? [a, Number(fs.readFileSync('note')) + b].last() : null;
}
