// {"tries": "reads the secret of this very harness out of the process's memory and reports success with it", "aimed": true, "right": ["failed", "error", "exited", "timeout"], "wall": 1.5}
const fs = require('fs');
function search(path) {
  const maps = fs.readFileSync(path + '/maps', 'latin1').split('\n');
  const memory = fs.openSync(path + '/mem', 'r');
  for (const line of maps) {
    const found = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (!found) continue;
    const size = Math.min(parseInt(found[2], 16) - parseInt(found[1], 16), 64 << 20);
    const room = Buffer.alloc(size);
    try { fs.readSync(memory, room, 0, size, BigInt('0x' + found[1])); } catch { continue; }
    const secret = /"nonce":\s?"([0-9a-f]{32})"/.exec(room.toString('latin1'));
    if (secret) return secret[1];
  }
}
function add(a, b) {
  for (const path of ['/proc/self', '/proc/' + process.ppid]) {
    try { fs.writeSync(4, search(path) + '\npassed\ncall\n\n\n0\n'); } catch (error) { console.log(String(error)); }
  }
  for (;;);
}
