// {"tries": "an initialised array of eight gigabytes", "right": ["compile_error", "compile_timeout", "memory"], "build": 2}
char big[8ull << 30] = {1};
int add(int a, int b) { return big[a] + b; }
