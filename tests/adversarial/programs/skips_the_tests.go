// {"tries": "flags changed so that no test is chosen, and a goroutine that ends the tests early", "right": ["exited", "failed", "error"]}
import (
	"flag"
	"os"
)

func init() {
	os.Args = []string{"test", "-test.run=^none$", "-test.list=none"}
	flag.CommandLine = flag.NewFlagSet("x", flag.ContinueOnError)
}
func add(a int, b int) int { return 0 }
