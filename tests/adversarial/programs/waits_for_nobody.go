// {"tries": "goroutines without end and memory with them", "right": ["timeout", "memory", "error", "signal", "exited", "failed", "output_limit"], "wall": 1.0}
func add(a int, b int) int { for { go func() { kept := make([]byte, 1<<20); for i := range kept { kept[i] = 1 }; select {} }() } }
