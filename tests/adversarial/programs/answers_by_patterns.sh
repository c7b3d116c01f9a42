# {"tries": "answers that would be patterns, or other words, if they were not quoted", "right": ["failed", "error"]}
add() { echo '* = * || true ]] && [[ 3'; }
