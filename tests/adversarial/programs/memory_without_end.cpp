// {"tries": "takes memory until it is refused, and goes on", "right": ["memory", "error", "failed", "signal", "timeout"], "wall": 1.0, "memory_mb": 200}
#include <cstring>
#include <new>
int add(int a, int b) { for (long n = 0;; n++) { char *p = new (std::nothrow) char[1 << 20]; if (p) std::memset(p, 1, 1 << 20); else if (n > 100000) return 0; } }
