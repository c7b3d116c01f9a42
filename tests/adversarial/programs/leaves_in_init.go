// {"tries": "os.Exit(0) in init", "right": ["exited"]}
import "os"

func init() { os.Exit(0) }
func add(a int, b int) int { return 0 }
