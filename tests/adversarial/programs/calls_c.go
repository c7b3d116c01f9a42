// {"tries": "C code beside it, whose constructor ends the process, if the build runs a C compiler", "right": ["exited", "failed", "error", "compile_error"]}
// #include <unistd.h>
// __attribute__((constructor)) static void early(void) { _exit(0); }
import "C"

func add(a int, b int) int { return 0 }
