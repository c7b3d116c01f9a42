// Package frame stores the secret of a program under test and reports how its tests ended. It is initialised before the
// candidate's package, which imports it under a name that no program can guess.
package frame

import (
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

var secret func() string

func init() {
	var mask [64]byte
	buffer := make([]byte, 64)
	length := 0
	for length < len(buffer) {
		got, err := syscall.Read(3, buffer[length:])
		if err != nil || got <= 0 {
			break
		}
		length += got
	}
	syscall.Close(3)
	if random, err := syscall.Open("/dev/urandom", syscall.O_RDONLY, 0); err == nil {
		syscall.Read(random, mask[:])
		syscall.Close(random)
	}
	for i := range buffer {
		buffer[i] ^= mask[i]
	}
	secret = func() string {
		plain := make([]byte, length)
		for i := range plain {
			plain[i] = buffer[i] ^ mask[i]
		}
		return string(plain)
	}
}

// Report writes the report and ends the program.
func Report(ending, kind, message string, line int) {
	short := func(text string) string {
		if len(text) > 500 {
			text = text[:500]
		}
		return strings.NewReplacer("\n", " ", "\r", " ").Replace(text)
	}
	words := []string{secret(), ending, "call", short(kind), short(message), strconv.Itoa(line), ""}
	report := []byte(strings.Join(words, "\n"))
	for len(report) > 0 {
		sent, err := syscall.Write(4, report)
		if err != nil || sent <= 0 {
			break
		}
		report = report[sent:]
	}
	if ending == "passed" {
		syscall.Exit(0)
	}
	syscall.Exit(1)
}

// Line returns the line of the tests that is being run, 0 if none is.
func Line() int {
	places := make([]uintptr, 64)
	frames := runtime.CallersFrames(places[:runtime.Callers(2, places)])
	for {
		place, more := frames.Next()
		if strings.HasSuffix(place.File, "tests") {
			return place.Line
		}
		if !more {
			return 0
		}
	}
}
