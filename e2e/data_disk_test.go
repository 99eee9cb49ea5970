package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// smallDisk returns a directory that is a disk of some megabytes, in memory.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Skipf("no small disk can be mounted: %v: run as root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes a file until the disk is full, and returns the file.
func fillDisk(t *testing.T, dir string) string {
	t.Helper()
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	return ballast
}

// linesOf returns the lines of an event stream, which is closed at the test's end.
func linesOf(t *testing.T, url string) <-chan string {
	t.Helper()
	resp, cancel, err := open(streaming, url, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	lines := make(chan string, 1<<10)
	go func() {
		defer close(lines)
		defer resp.Body.Close()
		for scanner := bufio.NewScanner(resp.Body); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// A full disk takes no event, and that is all: streams go on, nothing that was confirmed is lost, and the next event
// after there is room is stored, also where the server was started in between.
func TestFullDiskRefusesEventsUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "8m")
	s := startData(t, dir, "-heartbeat", "1s")
	p := publishAll(t, s, 8, http.StatusInsufficientStorage)
	p.waitForMore(t, 100)
	lines := linesOf(t, s.url+"/events?topic=quiet")
	for round := range 3 {
		ballast := fillDisk(t, dir)
		_, before := p.figures()
		testkit.Eventually(t, func() error {
			if _, now := p.figures(); now < before+50 {
				return fmt.Errorf("%d events were refused", now-before)
			}
			return nil
		})
		if round == 1 { // It starts on a full disk, too.
			s.kill()
			s.restart()
			lines = linesOf(t, s.url+"/events?topic=quiet")
		}
		for range len(lines) + 1 { // A stream goes on: here come its heartbeats.
			if line := testkit.Receive(t, lines, "a heartbeat while the disk is full"); line != ":" && !strings.HasPrefix(line, "retry: ") {
				t.Fatalf("a stream has the line %q", line)
			}
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		p.waitForMore(t, 100)
	}
	p.end()
	for line := range p.lines {
		if line != "507 not published: there is no room to store the event" {
			t.Errorf("an answer is %q", line)
		}
	}
	if figures := strings.Count(s.output(), "the disk is full"); figures < 3 || figures > 12 {
		t.Errorf("the log says %d times that the disk is full", figures)
	}
	p.check(t, s)
	s.kill()
	s.restart()
	p.check(t, s)
}

// injectErrors has a system call of a process fail, each time as inject says, until what it returns is called.
func injectErrors(t *testing.T, pid int, call, inject string) (stop func()) {
	t.Helper()
	need(t, "strace", "apt-get install strace")
	out := filepath.Join(t.TempDir(), "strace")
	cmd := exec.Command("strace", "-f", "-p", fmt.Sprint(pid), "-o", out, "-e", "trace="+call, "-e", "inject="+call+":"+inject)
	printed := new(lockedBuffer)
	cmd.Stderr = printed
	testkit.EndWithTest(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	stop = func() {
		cmd.Process.Signal(syscall.SIGINT) // It lets the process go on alone.
		testkit.Receive(t, ended, "strace ends")
	}
	t.Cleanup(stop)
	testkit.Eventually(t, func() error {
		select {
		case <-ended:
			t.Skipf("strace can't look at a process: %s", printed)
		default:
		}
		if !strings.Contains(printed.String(), "attached") {
			return fmt.Errorf("strace says %q", printed)
		}
		return nil
	})
	return stop
}

// A disk that has an error once, in each thread of the process here, takes no event meanwhile, and what it says
// afterwards is not believed before the file was opened again.
func TestErrorOfTheDiskThatComesOnceLosesNothingThatWasConfirmed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		call, inject string
		status       int
		word         string
	}{
		{"fdatasync", "error=EIO:when=1", http.StatusServiceUnavailable, "input/output error: opening the file again"},
		{"fdatasync", "error=EIO:when=2", http.StatusServiceUnavailable, "input/output error: opening the file again"},
		{"pwrite64", "error=EIO:when=3", http.StatusServiceUnavailable, "input/output error: opening the file again"},
		{"fdatasync", "error=ENOSPC:when=1", http.StatusInsufficientStorage, "no space left on device: opening the file again"},
		{"pwrite64", "error=ENOSPC:when=2", http.StatusInsufficientStorage, "the disk is full"},
	} {
		t.Run(test.call+" "+test.inject, func(t *testing.T) {
			dir := t.TempDir()
			s := startData(t, dir)
			p := publishAll(t, s, 8, http.StatusServiceUnavailable, test.status)
			p.waitForMore(t, 50)
			stop := injectErrors(t, s.pid(), test.call, test.inject)
			s.waitForOutput(test.word)
			p.waitForMore(t, 50)
			stop()
			p.waitForMore(t, 50)
			p.end()
			for line := range p.lines {
				if strings.Contains(line, dir) || strings.Contains(line, "events.db") || strings.Contains(line, "\n") {
					t.Errorf("an answer is %q", line)
				}
			}
			p.check(t, s)
			s.kill()
			s.restart()
			p.check(t, s)
			t.Log(p.lines)
		})
	}
}

// A disk whose every write fails is an error of each event, and not the end: once it works again, events are stored.
func TestDiskThatFailsForAWhileEndsNothing(t *testing.T) {
	t.Parallel()
	s := startData(t, t.TempDir())
	s.publish("", "0 0")
	stop := injectErrors(t, s.pid(), "fdatasync", "error=EIO")
	for range 3 {
		if a := s.post(post{data: "1 0"}); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "the disk does not take it") {
			t.Error(a)
		}
	}
	stop()
	testkit.Eventually(t, func() error {
		if a := s.post(post{data: "2 0"}); a.status != http.StatusNoContent {
			return errors.New(a.String())
		}
		return nil
	})
}
