// Package assert replaces github.com/stretchr/testify/assert: the assertions that benchmarks use, with the same
// meaning of equality (bytes by content, all else by reflect.DeepEqual).
package assert

import (
	"bytes"
	"fmt"
	"math"
	"reflect"

	"testing"
)

// Assertions are bound to a test.
type Assertions struct{ t testing.TB }

// New binds the assertions to t.
func New(t testing.TB) *Assertions { return &Assertions{t} }

func equal(expected, actual interface{}) bool {
	if expected == nil || actual == nil {
		return expected == actual
	}
	want, ok := expected.([]byte)
	if !ok {
		return reflect.DeepEqual(expected, actual)
	}
	got, ok := actual.([]byte)
	if !ok {
		return false
	}
	if want == nil || got == nil {
		return want == nil && got == nil
	}
	return bytes.Equal(want, got)
}

func isNil(value interface{}) bool {
	if value == nil {
		return true
	}
	seen := reflect.ValueOf(value)
	kind := seen.Kind()
	return kind >= reflect.Chan && kind <= reflect.Slice && kind != reflect.String && seen.IsNil()
}

func hold(t testing.TB, truth bool, form string, words ...interface{}) bool {
	if !truth {
		t.Errorf(form, words...)
	}
	return truth
}

func Equal(t testing.TB, expected, actual interface{}, _ ...interface{}) bool {
	return hold(t, equal(expected, actual), "expected %#v, got %#v", expected, actual)
}
func NotEqual(t testing.TB, expected, actual interface{}, _ ...interface{}) bool {
	return hold(t, !equal(expected, actual), "should not be %#v", actual)
}
func True(t testing.TB, value bool, _ ...interface{}) bool  { return hold(t, value, "should be true") }
func False(t testing.TB, value bool, _ ...interface{}) bool { return hold(t, !value, "should be false") }
func Nil(t testing.TB, value interface{}, _ ...interface{}) bool {
	return hold(t, isNil(value), "expected nil, got %#v", value)
}
func NotNil(t testing.TB, value interface{}, _ ...interface{}) bool {
	return hold(t, !isNil(value), "should not be nil")
}
func InDelta(t testing.TB, expected, actual, delta float64, _ ...interface{}) bool {
	return hold(t, math.Abs(expected-actual) <= delta, "expected %v, got %v", expected, actual)
}
func Fail(t testing.TB, message string, _ ...interface{}) bool {
	return hold(t, false, "%s", fmt.Sprint(message))
}

func (a *Assertions) Equal(expected, actual interface{}, _ ...interface{}) bool {
	return Equal(a.t, expected, actual)
}
func (a *Assertions) NotEqual(expected, actual interface{}, _ ...interface{}) bool {
	return NotEqual(a.t, expected, actual)
}
func (a *Assertions) True(value bool, _ ...interface{}) bool          { return True(a.t, value) }
func (a *Assertions) False(value bool, _ ...interface{}) bool         { return False(a.t, value) }
func (a *Assertions) Nil(value interface{}, _ ...interface{}) bool    { return Nil(a.t, value) }
func (a *Assertions) NotNil(value interface{}, _ ...interface{}) bool { return NotNil(a.t, value) }
func (a *Assertions) InDelta(expected, actual, delta float64, _ ...interface{}) bool {
	return InDelta(a.t, expected, actual, delta)
}
