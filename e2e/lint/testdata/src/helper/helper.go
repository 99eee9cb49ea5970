package helper

import "testing"

func Must[T any](t testing.TB, err error, v T) T {
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func Check(t testing.TB, err error) {
	if err != nil {
		t.Error(err)
	}
}
