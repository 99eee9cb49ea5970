package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// It keeps the machine busy, so it runs alone.
func TestKillUnder500Clients(t *testing.T) {
	s := start(t, "-interval", "100ms")
	fs := followers(t, 500, s.url+"/events")
	time.Sleep(2 * time.Second)
	before := retained(t, s)
	waitForID(t, fs, before[len(before)-1])
	s.kill()
	s.restart()
	restarted := time.Now()
	waitUntilOpened(t, fs, 2)
	var back time.Time
	for _, f := range fs {
		f.mu.Lock()
		if f.connected.After(back) {
			back = f.connected
		}
		f.mu.Unlock()
	}
	time.Sleep(time.Second)

	// All that the server told before it was killed, and all that it has made since it
	// is back, also while a client was not. What it was about to tell died with it.
	after := retained(t, s)
	waitForID(t, fs, after[len(after)-1])
	for _, f := range fs {
		f.forget(before[len(before)-1], after[0])
	}
	checkWhole(t, fs, slices.Concat(before, after))
	s.waitForClients(500)
	if figures := s.stats(); figures.Resumes < 500 {
		t.Errorf("want 500 clients that resumed: %+v", figures)
	}
	t.Logf("all 500 were back %v after the restart, the longest gap was %v",
		back.Sub(restarted).Round(time.Millisecond), longestGap(fs).Round(time.Millisecond))
}

func TestStoppedForFiveSeconds(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	fs := followers(t, 20, s.url+"/events")
	waitForID(t, fs, 1)

	s.signal(syscall.SIGSTOP)
	// A connection that the server accepts just before it stops has a request that is late when it
	// goes on. What comes afterwards waits with the kernel.
	testkit.Eventually(t, func() error { return isStopped(s.pid()) })
	answer := make(chan error, 1)
	go func() {
		resp, cancel, err := open(streaming, s.url+"/events", "1")
		if err == nil {
			defer resp.Body.Close()
			defer cancel()
			defer time.AfterFunc(testkit.Limit, cancel).Stop()
			_, err = testkit.NewParser(resp.Body).Next()
		}
		answer <- err
	}()
	time.Sleep(5 * time.Second)
	s.signal(syscall.SIGCONT)

	if err := testkit.Receive(t, answer, "an answer to who came while it was stopped"); err != nil {
		t.Errorf("who came while it was stopped got: %v", err)
	}
	testkit.Eventually(t, func() error { // The first events after the stop come a moment later.
		for i, f := range fs {
			if gap := longestGap([]*follower{f}); gap < 4*time.Second {
				return fmt.Errorf("follower %d has waited for %v at most, and not while the server was stopped", i, gap)
			}
		}
		return nil
	})
	checkWhole(t, fs, retained(t, s))
	checkStreamsStayedOpen(t, fs)
	t.Logf("the longest gap was %v", longestGap(fs).Round(time.Millisecond))
}

// A server that can't open another file must go on with those that it has.
func TestFileDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	s := startCommand(t, []string{"sh", "-c", `ulimit -n 64 && exec "$0" "$@"`, binary}, "-interval", "100ms")
	fs := make([]*follower, 100)
	for i := range fs {
		fs[i] = follow(t, streaming, s.url+"/events")
	}
	split := func() (in, out []*follower) {
		for _, f := range fs {
			if f.timesOpened() > 0 {
				in = append(in, f)
			} else {
				out = append(out, f)
			}
		}
		return in, out
	}
	const complaint = "too many open files"
	testkit.Eventually(t, func() error {
		if in, _ := split(); len(in) < 40 || !strings.Contains(s.output(), complaint) {
			return fmt.Errorf("it has not run out of file descriptors with %d clients", len(in))
		}
		return nil
	})
	in, out := split()
	if len(out) < 30 {
		t.Fatalf("only %d clients wait: there is no shortage", len(out))
	}

	// The connected go on.
	testkit.Eventually(t, func() error {
		for i, f := range in {
			if ids := f.got(); len(ids) < 20 {
				return fmt.Errorf("follower %d got only %d events", i, len(ids))
			}
		}
		return nil
	})
	// It says so, but not for each try.
	n := strings.Count(s.output(), complaint)
	if seconds := time.Since(begun).Seconds(); float64(n) > seconds+1 {
		t.Errorf("%d lines about it in %.1f seconds", n, seconds)
	}

	// One leaves, another gets in.
	in, _ = split()
	in[0].leave()
	testkit.Eventually(t, func() error {
		if now, _ := split(); len(now) <= len(in) {
			return errors.New("none of those that wait got in")
		}
		return nil
	})
	t.Logf("%d were connected, %d waited", len(in), len(out))

	// When most have left, the server answers again, and those that stay have missed nothing.
	stay := in[1:6]
	for _, f := range fs {
		if !slices.Contains(stay, f) {
			f.leave()
		}
	}
	checkWhole(t, stay, retained(t, s))
}
