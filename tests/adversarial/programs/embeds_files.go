// {"tries": "right only if the compiler can embed files of the machine, or a directive runs a command", "right": ["compile_error", "failed"]}
import _ "embed"

//go:generate touch @CANARY@/@MARK@
//go:embed secret
var secret string

func add(a int, b int) int { println(secret); return a + b }
