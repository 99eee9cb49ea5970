package testkit

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A failing is a test that keeps what it fails with.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

// failureOf returns what a test fails with, or "".
func failureOf(t *testing.T, test func(t testing.TB)) string {
	f := &failing{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(f) {
				panic(r)
			}
		}()
		test(f)
	}()
	return f.said
}

func TestEveryWaitEnds(t *testing.T) {
	for _, test := range []struct {
		what, want string
		wait       func(t testing.TB, never chan int)
	}{
		{"Eventually", "after 45s: not yet", func(t testing.TB, _ chan int) {
			Eventually(t, func() error { return errors.New("not yet") })
		}},
		{"Receive", "not within 45s: a number", func(t testing.TB, never chan int) { Receive(t, never, "a number") }},
		{"Return", "not within 45s: all ended", func(t testing.TB, never chan int) {
			Return(t, func() { <-never }, "all ended")
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, never := time.Now(), make(chan int)
			if said := failureOf(t, func(t testing.TB) { test.wait(t, never) }); said != test.want {
				t.Errorf("%s: the test fails with %q, want %q", test.what, said, test.want)
			}
			if took := time.Since(began); took < Limit || took > Limit+time.Second {
				t.Errorf("%s: it waited for %v", test.what, took)
			}
			close(never)
		})
	}
}

func TestNoWaitIsLongerThanNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		Eventually(t, func() error {
			if time.Since(began) < time.Second {
				return errors.New("not yet")
			}
			return nil
		})
		numbers := make(chan int, 1)
		numbers <- 7
		if n := Receive(t, numbers, "a number"); n != 7 {
			t.Errorf("received %d", n)
		}
		close(numbers)
		if n := Receive(t, numbers, "the end"); n != 0 {
			t.Errorf("received %d from a closed channel", n)
		}
		var group sync.WaitGroup
		group.Go(func() { time.Sleep(time.Second) })
		Return(t, group.Wait, "the group")
		if took := time.Since(began); took > 2100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestGetWantsStatus200(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprint(w, "body")
	}))
	defer server.Close()
	if body := Get(t, Client, server.URL); string(body) != "body" {
		t.Errorf("the body is %q", body)
	}
	want := "GET " + server.URL + "/tea: 418 I'm a teapot, <nil>: body"
	if said := failureOf(t, func(t testing.TB) { Get(t, Client, server.URL+"/tea") }); said != want {
		t.Errorf("the test fails with %q, want %q", said, want)
	}
}

func TestWaitEndsThoughAProcessWasLeftBehind(t *testing.T) {
	t.Parallel()
	var printed strings.Builder
	cmd := exec.Command("sh", "-c", "sleep 600 & echo $!")
	cmd.Stdout = &printed
	EndWithTest(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err := errors.New("still waiting")
	Return(t, func() { err = cmd.Wait() }, "Wait returns")
	if !errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("got %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(printed.String()))
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.FindProcess(pid); err != nil || left.Kill() != nil {
		t.Errorf("the process left behind, %d, has ended by itself: %v", pid, err)
	}
}
