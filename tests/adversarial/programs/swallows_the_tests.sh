# {"tries": "an open text that swallows what follows", "right": ["failed", "exited", "error", "compile_error"]}
add() { echo 0; }
: << 'END_OF_EVERYTHING'
