// {"tries": "includes itself for ever, two ways at each level", "right": ["compile_error", "compile_timeout", "memory", "failed", "exited"], "build": 1}
#include __FILE__
#include __FILE__
int add(int a, int b) { return 0; }
