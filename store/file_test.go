package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
)

// newFile returns a directory with a copy of a store's file.
func newFile(t *testing.T, contents []byte) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, fileName)
	if err := os.WriteFile(file, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// newContents returns what a store's file with some events has.
func newContents(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	s := openStore(t, dir, 0)
	data := []byte(strings.Repeat("x", 1000))
	fill(t, s, func(i int) sse.Event { return sse.Event{Topic: "t", Data: data} }, 1<<20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	contents, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

// openAndWait returns why a store can't be opened or loaded.
func openAndWait(t *testing.T, dir string) error {
	t.Helper()
	s, err := Open(newBroker(t, 1), Options{Dir: dir}) // Only the newest event is loaded.
	if err != nil {
		return err
	}
	defer s.Close()
	testkit.Return(t, func() { err = s.Wait() }, "the store is loaded, or can't be")
	return err
}

// overwrite writes the same byte from one offset to another.
func overwrite(t *testing.T, file string, b byte, from, to int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat(string(rune(b)), int(to-from))), from); err != nil {
		t.Fatal(err)
	}
}

// A file that can't be read is an error, which says what to do, and stays as it is: there is no new beginning.
func TestFileThatIsDamagedOrNotOursIsAnError(t *testing.T) {
	t.Parallel()
	const advice = "move it away to begin without events"
	contents := newContents(t)
	for name, damage := range map[string]struct {
		damage func(t *testing.T, file string, size int64)
		words  []string
	}{
		"empty":                 {func(t *testing.T, file string, size int64) { os.Truncate(file, 0) }, []string{"it is empty", advice}},
		"cut off in a header":   {func(t *testing.T, file string, size int64) { os.Truncate(file, 1000) }, []string{advice}},
		"cut off after headers": {func(t *testing.T, file string, size int64) { os.Truncate(file, 2*pageSize) }, []string{"damaged", advice}},
		"cut off in the middle": {func(t *testing.T, file string, size int64) { os.Truncate(file, usedPage(t, file)*pageSize) }, []string{"damaged", advice}},
		"zeroed":                {func(t *testing.T, file string, size int64) { overwrite(t, file, 0, 0, size) }, []string{"not a file of this program", advice}},
		"headers zeroed":        {func(t *testing.T, file string, size int64) { overwrite(t, file, 0, 0, 2*pageSize) }, []string{"not a file of this program", advice}},
		"all but headers":       {func(t *testing.T, file string, size int64) { overwrite(t, file, 0, 2*pageSize, size) }, []string{"damaged", advice}},
		"one page zeroed": {func(t *testing.T, file string, size int64) {
			overwrite(t, file, 0, usedPage(t, file)*pageSize, (usedPage(t, file)+1)*pageSize)
		}, []string{"damaged", advice}},
		"another file": {func(t *testing.T, file string, size int64) { overwrite(t, file, 'x', 0, size) }, []string{"not a file of this program", advice}},
		"a short text": {func(t *testing.T, file string, size int64) { os.WriteFile(file, []byte("hello\n"), 0o600) }, []string{"not a file of this program", advice}},
		"another program's database": {func(t *testing.T, file string, size int64) {
			os.Remove(file)
			change(t, file, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("x")); return err })
		}, []string{"not a file of this program", advice}},
		"a newer version": {func(t *testing.T, file string, size int64) {
			change(t, file, func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Put(versionKey, []byte{version + 1}) })
		}, []string{"version", "[2]", "newer"}},
		"no state": {func(t *testing.T, file string, size int64) {
			change(t, file, func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Put(stateKey, []byte("x")) })
		}, []string{"damaged", advice}},
		"no events": {func(t *testing.T, file string, size int64) {
			change(t, file, func(tx *bolt.Tx) error { return tx.DeleteBucket(eventsBucket) })
		}, []string{"damaged", "events", advice}},
		"an event that is none": {func(t *testing.T, file string, size int64) {
			change(t, file, func(tx *bolt.Tx) error {
				key, _ := tx.Bucket(eventsBucket).Cursor().Last()
				return tx.Bucket(eventsBucket).Put(key, make([]byte, 50))
			})
		}, []string{"damaged", "an event", advice}},
		"a directory": {func(t *testing.T, file string, size int64) { os.Remove(file); os.Mkdir(file, 0o700) }, []string{fileName}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := newFile(t, contents)
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			damage.damage(t, file, info.Size())
			before, _ := os.ReadFile(file)
			err = openAndWait(t, dir)
			if err == nil {
				t.Fatal("it is opened")
			}
			for _, word := range append(damage.words, dir) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("no %q in %q", word, err)
				}
			}
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
				t.Errorf("it is not one line: %q", err)
			}
			if after, _ := os.ReadFile(file); string(after) != string(before) {
				t.Error("the file is another now")
			}
		})
	}
}

// change changes a file as another program might.
func change(t *testing.T, file string, how func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(how); err != nil {
		t.Fatal(err)
	}
}

// usedPage returns the number of a page in the middle of a file that has events.
func usedPage(t *testing.T, file string) (used int64) {
	t.Helper()
	db, err := bolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for id := int(tx.Size() / pageSize / 2); ; id++ {
			if page, err := tx.Page(id); err != nil || page == nil || page.Type == "leaf" {
				used = int64(id)
				return err
			}
		}
	})
	if err != nil || used == 0 {
		t.Fatal(err)
	}
	return used
}

func TestErrorsOfADiskWithoutRoomAreTold(t *testing.T) {
	for _, err := range fullErrors {
		at := &os.PathError{Op: "write", Path: "x", Err: err}
		for _, cause := range []error{err, at, errors.New("file resize error: truncate x: " + err.Error())} {
			if !isFull(cause) {
				t.Errorf("%v is another error", cause)
			}
			if before := beforeSync(cause); before != (cause != error(err)) {
				t.Errorf("%v came before the first fsync: %t", cause, before)
			}
		}
	}
	if isFull(os.ErrPermission) || beforeSync(os.ErrPermission) {
		t.Error("another error is taken for a full disk")
	}
}
