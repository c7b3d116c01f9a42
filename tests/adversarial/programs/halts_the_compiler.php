# {"tries": "__halt_compiler, behind which nothing is code", "right": ["failed", "error", "exited", "compile_error"]}
function add($a, $b) { return 0; }
__halt_compiler();
