// {"tries": "imports, goroutines, channels, files, maps, recovered panics", "right": ["passed"]}
import (
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
)

type byLength []string

func (s byLength) Len() int           { return len(s) }
func (s byLength) Less(i, j int) bool { return len(s[i]) < len(s[j]) }
func (s byLength) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

func add(a int, b int) int {
	println(strings.Repeat("x", 1000))
	sort.Sort(byLength{"aa", "b"})
	func() { defer func() { recover() }(); panic("caught") }()
	os.WriteFile("note", []byte(strconv.Itoa(a)), 0600)
	data, _ := os.ReadFile("note")
	read, _ := strconv.Atoi(string(data))
	var group sync.WaitGroup
	other := make(chan int, 1)
	group.Add(1)
	go func() { defer group.Done(); other <- b }()
	group.Wait()
	return map[string]int{"sum": read + <-other}["sum"]
}
