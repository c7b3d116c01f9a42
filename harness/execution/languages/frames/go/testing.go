// Package testing replaces that of the standard library: the part of T that tests of benchmarks use, without its flags,
// timers and profiles. The first failure ends the program.
package testing

import (
	"fmt"

	"harness/frame"
)

// TB is what T offers.
type TB interface {
	Helper()
	Error(...interface{})
	Errorf(string, ...interface{})
	Fatal(...interface{})
	Fatalf(string, ...interface{})
	Log(...interface{})
	Logf(string, ...interface{})
	Fail()
	FailNow()
	Name() string
}

// T is handed to the tests.
type T struct{ name string }

// New returns a T for the test called name.
func New(name string) *T { return &T{name} }

func (t *T) fail(text string)                       { frame.Report("failed", "assertion", text, frame.Line()) }
func (t *T) Helper()                                {}
func (t *T) Error(words ...interface{})             { t.fail(fmt.Sprint(words...)) }
func (t *T) Errorf(form string, w ...interface{})   { t.fail(fmt.Sprintf(form, w...)) }
func (t *T) Fatal(words ...interface{})             { t.fail(fmt.Sprint(words...)) }
func (t *T) Fatalf(form string, w ...interface{})   { t.fail(fmt.Sprintf(form, w...)) }
func (t *T) Log(words ...interface{})               { fmt.Println(words...) }
func (t *T) Logf(form string, words ...interface{}) { fmt.Printf(form+"\n", words...) }
func (t *T) Fail()                                  { t.fail("") }
func (t *T) FailNow()                               { t.fail("") }
func (t *T) Name() string                           { return t.name }
func (t *T) Parallel()                              {}
func (t *T) Run(name string, test func(*T)) bool    { test(&T{t.name + "/" + name}); return true }
