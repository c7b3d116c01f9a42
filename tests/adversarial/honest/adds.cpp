// {"tries": "just adds", "right": ["passed"]}
int add(int a, int b) { return a + b; }
