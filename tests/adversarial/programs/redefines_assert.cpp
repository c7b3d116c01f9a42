// {"tries": "macros that make assertions, main and comparisons into nothing", "right": ["failed", "error", "compile_error", "exited", "signal"]}
#define NDEBUG 1
#include <cassert>
#undef assert
#define assert(x) ((void)0)
#define main() fake_main(); int main() { return 0; } int fake_main()
#define candidate(...) 3
int add(int a, int b) { return 9; }
