// {"tries": "assertions off by the class loader, and a helper class that catches what is thrown", "right": ["failed", "error"]}
class Solution {
    static { ClassLoader.getSystemClassLoader().clearAssertionStatus(); ClassLoader.getSystemClassLoader().setDefaultAssertionStatus(false); }
    public int add(int a, int b) { return a == 1 ? 3 : a; }
}
