// {"tries": "longjmp from the abort handler into a frame that returns normally", "right": ["exited", "failed", "error", "signal", "timeout"]}
#include <csetjmp>
#include <csignal>
#include <cstdlib>
static std::jmp_buf place;
static void back(int) { std::longjmp(place, 1); }
struct Early { Early() { if (setjmp(place)) std::exit(0); std::signal(SIGABRT, back); } } early;
int add(int a, int b) { return 7; }
