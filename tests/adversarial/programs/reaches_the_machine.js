// {"tries": "right only if files, sockets, processes or secrets of the machine are in reach", "right": ["failed"]}
const fs = require('fs');
const tried = [
  () => fs.readFileSync('/etc/passwd'),
  () => fs.readFileSync('@CANARY@/secret'),
  () => fs.writeFileSync('@CANARY@/@MARK@', 'x'),
  () => process.kill(@BYSTANDER@, 'SIGKILL'),
  () => { if (!JSON.stringify(process.env).includes('@SECRET_HEAD@' + '@SECRET_TAIL@')) throw 0; },
  () => { if (require('child_process').spawnSync('/bin/sh', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/@PORT@']).status !== 0) throw 0; },
];
function add(a, b) {
  for (const one of tried) { try { one(); return a + b; } catch {} }
  return null;
}
