// {"tries": "right only if the compiler sees a file of the machine", "right": ["failed"]}
#if __has_include("/etc/passwd") || __has_include("@CANARY@/secret") || __has_include("@CHECKOUT@/README.md")
int add(int a, int b) { return a + b; }
#else
int add(int a, int b) { return 0; }
#endif
