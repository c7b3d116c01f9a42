# {"tries": "exit(0) in the function and in a shutdown handler", "right": ["exited"]}
register_shutdown_function(function () { exit(0); });
function add($a, $b) { exit(0); }
