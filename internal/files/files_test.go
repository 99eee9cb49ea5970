package files

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/kataras/golog"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

// captureLog returns what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	log := new(bytes.Buffer)
	golog.SetOutput(log)
	t.Cleanup(func() { golog.SetOutput(os.Stdout) })
	return log
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// joined is the value of the tests: what all files hold. Nothing may be in none.
func joined(contents [][]byte) (string, error) {
	for _, content := range contents {
		if len(content) == 0 {
			return "", errors.New("nothing is there")
		}
	}
	return string(bytes.Join(contents, []byte("+"))), nil
}

func TestValueFollowsItsFiles(t *testing.T) {
	log := captureLog(t)
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	write(t, one, "1")
	write(t, two, "2")
	synctest.Test(t, func(t *testing.T) {
		value, err := Open("numbers", joined, one, two)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			change       func()
			want, logged string
		}{
			{func() {}, "1+2", ""},
			{func() { write(t, one, "3") }, "3+2", "numbers: renewed"},
			{func() { write(t, two, "4") }, "3+4", "numbers: renewed"},
			{func() { write(t, two, "") }, "3+4", "numbers: nothing is there; what was read before is kept"},
			{func() { write(t, one, "") }, "3+4", ""}, // It was said.
			{func() { os.Remove(one) }, "3+4", ""},
			{func() { write(t, one, "3"); write(t, two, "4") }, "3+4", ""}, // as before
			{func() { os.Remove(one) }, "3+4", "no such file"},
			{func() { write(t, one, strings.Repeat("5", maxSize+1)) }, "3+4", ""},
			{func() { write(t, one, "5") }, "5+4", "numbers: renewed"},
			{func() { write(t, one, strings.Repeat("5", maxSize+1)) }, "5+4", "larger than"},
		} {
			log.Reset()
			step.change()
			time.Sleep(lookAgainAfter)
			for range 2 {
				if got := value.Get(); got != step.want {
					t.Errorf("got %.20q, want %q", got, step.want)
				}
				time.Sleep(lookAgainAfter)
			}
			if got := log.String(); !strings.Contains(got, step.logged) || strings.Count(got, "\n") > 1 || (got == "") != (step.logged == "") {
				t.Errorf("the log says %q, want %q", got, step.logged)
			}
		}
	})
}

func TestFilesAreReadOnceASecondAtMost(t *testing.T) {
	captureLog(t)
	file := filepath.Join(t.TempDir(), "one")
	write(t, file, "1")
	synctest.Test(t, func(t *testing.T) {
		value, err := Open("numbers", joined, file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, "2")
		time.Sleep(lookAgainAfter - 1)
		if got := value.Get(); got != "1" {
			t.Errorf("the file was read again within %v: %q", lookAgainAfter, got)
		}
		time.Sleep(time.Nanosecond)
		if got := value.Get(); got != "2" {
			t.Errorf("the file was not read again after %v: %q", lookAgainAfter, got)
		}
	})
}

// Follow parses a change while nobody asks for the value.
func TestFollowedFileIsReadWhileNobodyAsks(t *testing.T) {
	captureLog(t)
	file := filepath.Join(t.TempDir(), "one")
	write(t, file, "1")
	synctest.Test(t, func(t *testing.T) {
		parsed := make(chan string, 10)
		value, err := Open("numbers", func(contents [][]byte) (string, error) {
			parsed <- string(contents[0])
			return joined(contents)
		}, file)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var following sync.WaitGroup
		following.Go(func() { value.Follow(done) })
		time.Sleep(10 * time.Second)
		write(t, file, "2")
		time.Sleep(2 * lookAgainAfter)
		if len(parsed) != 2 || <-parsed+<-parsed != "12" {
			t.Errorf("the file was parsed %d times", len(parsed))
		}
		close(done)
		following.Wait()
	})
}

// Nobody waits for another one's look at a disk that hangs.
func TestNobodyWaitsForAnothersLook(t *testing.T) {
	captureLog(t)
	file := filepath.Join(t.TempDir(), "one")
	write(t, file, "1")
	synctest.Test(t, func(t *testing.T) {
		looks, hang := 0, make(chan struct{})
		value, err := Open("numbers", func(contents [][]byte) (string, error) {
			if looks++; looks == 2 {
				<-hang
			}
			return joined(contents)
		}, file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, "2")
		time.Sleep(lookAgainAfter)
		var looking sync.WaitGroup
		looking.Go(func() {
			if got := value.Get(); got != "2" {
				t.Errorf("who has looked got %q", got)
			}
		})
		synctest.Wait()
		if got := value.Get(); got != "1" {
			t.Errorf("meanwhile: %q", got)
		}
		close(hang)
		looking.Wait()
	})
}
