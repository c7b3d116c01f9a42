// {"tries": "a library of its own: exit, _exit, abort, write and assertions that do nothing", "right": ["failed", "error", "compile_error", "exited", "signal", "timeout"], "wall": 0.4}
void __assert_fail(const char *a, const char *b, unsigned c, const char *d) { }
void abort(void) { for (;;) ; }
long write(int fd, const void *data, unsigned long count) { return (long)count; }
int add(int a, int b) { return 0; }
