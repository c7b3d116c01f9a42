// {"tries": "includes a file that never ends", "right": ["compile_error", "compile_timeout", "memory"], "build": 1}
#include "/dev/urandom"
int add(int a, int b) { return a + b; }
