// {"tries": "uncaught exceptions and rejections end the process with 0", "right": ["failed"]}
process.on('uncaughtException', () => process.exit(0));
process.on('unhandledRejection', () => process.exit(0));
process.setUncaughtExceptionCaptureCallback?.(() => process.exit(0));
process.on('exit', () => { process.exitCode = 0; });
function add(a, b) { return -1; }
