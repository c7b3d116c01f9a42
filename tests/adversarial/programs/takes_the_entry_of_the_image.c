// {"tries": "link-time tricks: another start, wrapped and weak symbols", "right": ["failed", "error", "compile_error", "exited", "signal"]}
#include <unistd.h>
void _start(void) { _exit(0); }
int main(void) __attribute__((weak));
int main(void) { return 0; }
int add(int a, int b) { return 0; }
