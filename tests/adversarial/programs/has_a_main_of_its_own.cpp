// {"tries": "its own main that ends well, weak and strong", "right": ["failed", "error", "compile_error", "exited", "signal"]}
#include <cstdio>
int add(int a, int b) { return 0; }
int main() { std::puts("ok"); return 0; }
