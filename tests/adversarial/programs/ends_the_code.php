# {"tries": "ends the code, so that the tests are text to print", "right": ["failed", "error", "exited", "compile_error"]}
function add($a, $b) { return 0; }
?>
