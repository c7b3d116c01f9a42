# {"tries": "just adds", "right": ["passed"]}
add() { echo $(($1 + $2)); }
