// {"tries": "right only if files, sockets or processes of the machine are in reach", "right": ["failed"]}
import (
	"net"
	"os"
	"syscall"
)

func add(a int, b int) int {
	if _, err := os.ReadFile("/etc/passwd"); err == nil { return a + b }
	if _, err := os.ReadFile("@CANARY@/secret"); err == nil { return a + b }
	if os.WriteFile("@CANARY@/@MARK@", nil, 0666) == nil { return a + b }
	if _, err := net.Dial("tcp", "127.0.0.1:@PORT@"); err == nil { return a + b }
	if syscall.Kill(@BYSTANDER@, 9) == nil { return a + b }
	return 0
}
