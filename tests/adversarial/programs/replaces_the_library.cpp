// {"tries": "its own abort, raise and __assert_fail, which return", "right": ["failed", "error", "compile_error", "exited", "signal", "timeout"]}
extern "C" void __assert_fail(const char *, const char *, unsigned, const char *) noexcept { }
extern "C" void __assert(const char *, const char *, int) noexcept { }
extern "C" int raise(int) noexcept { return 0; }
int add(int a, int b) { return 0; }
