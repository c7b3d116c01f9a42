// {"tries": "makes the compiler quote files of the machine in its complaints", "right": ["compile_error"]}
#include "@CANARY@/secret"
#include "/etc/passwd"
#include "/proc/1/environ"
int add(int a, int b) { return 0; }
