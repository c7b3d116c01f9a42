// {"tries": "just adds", "right": ["passed"]}
class Solution { public int add(int a, int b) { return a + b; } }
