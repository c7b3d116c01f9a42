// {"tries": "a loop with every signal ignored", "right": ["timeout"], "wall": 0.3}
#include <csignal>
int add(int a, int b) { for (int n = 1; n < 65; n++) signal(n, SIG_IGN); volatile long x = 0; for (;;) x = x + 1; }
