// {"tries": "System.exit(0) in the method", "right": ["exited"]}
class Solution { public int add(int a, int b) { System.exit(0); return 0; } }
