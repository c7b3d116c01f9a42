// {"tries": "its own TestMain that runs nothing and is content", "right": ["exited", "failed", "error", "compile_error"]}
import "os"

func TestMain(m *testing.M) { os.Stdout.WriteString("PASS\nok\n"); os.Exit(0) }
func add(a int, b int) int { return 0 }
