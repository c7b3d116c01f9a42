// {"tries": "runtime.Goexit in the call, which looks like the end of a test", "right": ["exited", "failed", "error"]}
import "runtime"

func add(a int, b int) int { runtime.Goexit(); return 0 }
