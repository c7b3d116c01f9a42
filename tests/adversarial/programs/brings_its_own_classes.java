// {"tries": "classes named like those that the tests use", "right": ["failed", "error", "compile_error"]}
class Solution { public int add(int a, int b) { return -1; } }
class AssertionError extends RuntimeException { AssertionError() { Runtime.getRuntime().halt(0); } }
class Arrays { static java.util.List<Boolean> asList(Object... all) { return java.util.List.of(true); } }
class Main { public static void main(String[] args) { } }
