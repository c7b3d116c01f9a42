// {"tries": "waits in the call for a worker that ends the process", "right": ["exited", "error", "timeout", "failed", "signal"], "wall": 1.0}
function add(a, b) {
  process.kill(process.pid, 'SIGTERM');
  const until = Date.now() + 2000;
  while (Date.now() < until);
  return 0;
}
process.on('SIGTERM', () => process.exit(0));
setImmediate(() => process.exit(0));
