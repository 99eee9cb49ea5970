package store

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestDirectoryIsCreatedForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := openAndWait(t, dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o700, filepath.Join(dir, fileName): 0o600} {
		info, err := os.Stat(path)
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestDirectoryThatCannotBeIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if err := openAndWait(t, dir); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestDirectoryHasOneStoreAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, 0)
	if err := openAndWait(t, dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second one: %v", err)
	}
	publish(t, s, "", "it goes on")
	s.Close()
	if err := openAndWait(t, dir); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

// What a process has left behind that was killed while it created the file goes; other files stay.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"123.new", "mine.txt", BackupName} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := openAndWait(t, dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if err != nil || strings.Join(names, " ") != BackupName+" "+fileName+" mine.txt" {
		t.Errorf("there are %q, %v", names, err)
	}
}

// Two processes that create a directory at the same time must not each have a file of its own.
func TestSeveralThatCreateADirectoryHaveOneFile(t *testing.T) {
	t.Parallel()
	for range 10 {
		dir := filepath.Join(t.TempDir(), "events")
		const n = 4
		stores := make(chan *Store, n)
		for range n {
			broker := newBroker(t, 0)
			go func() {
				s, err := Open(broker, Options{Dir: dir})
				if err != nil && !strings.Contains(err.Error(), "in use") {
					t.Error(err)
				}
				stores <- s
			}()
		}
		opened := 0
		for range n {
			if s := testkit.Receive(t, stores, "a store"); s != nil {
				opened++
				defer s.Close()
			}
		}
		if opened != 1 {
			t.Fatalf("%d stores have the directory", opened)
		}
	}
}
