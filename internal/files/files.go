// Package files has what the files of secrets and keys have in common: they are read again when they change,
// and nobody but their owner should be able to read a secret.
package files

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kataras/golog"
)

const (
	// lookAgainAfter is how old the last look at the files may be when their value is asked for.
	lookAgainAfter = time.Second

	// maxSize bounds, in bytes, what is read of a file.
	maxSize = 1 << 20
)

// A Value is what some files mean. It follows the files: a change of them changes the value within a second, without a
// restart. While they can't be used, as in the middle of a change, the value stays. Its methods are safe for concurrent
// use.
type Value[T any] struct {
	what    string // what the lines of the log begin with
	names   []string
	parse   func(contents [][]byte) (T, error)
	regular bool // all files are regular, and so can be read again; a pipe can't
	current atomic.Pointer[T]

	mu sync.Mutex // protects what follows, and calls of parse
	// contents are what current was parsed from. Comparing them and not the files' times notices every change.
	contents [][]byte
	lookedAt time.Time
	failing  bool // the last look failed, and was logged
}

// Open reads files, and returns what parse makes of their contents. The error says why the files can't be
// used now. Where they can't be used later, a line in the log says why, and begins with what. Parse is called for
// each change, by one goroutine at a time. A file that is not regular, such as a pipe, is read only once.
func Open[T any](what string, parse func(contents [][]byte) (T, error), names ...string) (*Value[T], error) {
	v := &Value[T]{what: what, names: names, parse: parse}
	v.regular = !slices.ContainsFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && !info.Mode().IsRegular()
	})
	if _, err := v.load(); err != nil {
		return nil, err
	}
	v.lookedAt = time.Now()
	return v, nil
}

// Get returns the value. Where the last look is a second old, Get looks at the files first.
func (v *Value[T]) Get() T {
	// While one caller looks, which may hang with the disk, all others get the current value at once.
	if v.regular && v.mu.TryLock() {
		defer v.mu.Unlock()
		if now := time.Now(); now.Sub(v.lookedAt) >= lookAgainAfter {
			v.lookedAt = now
			v.lookAgain()
		}
	}
	return *v.current.Load()
}

// Follow looks at the files each second until done is closed, for a value whose change matters also while
// nobody asks for it.
func (v *Value[T]) Follow(done <-chan struct{}) {
	ticker := time.NewTicker(lookAgainAfter)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			v.Get()
		case <-done:
			return
		}
	}
}

// lookAgain reads the files again, and logs what changes. That they can't be used it logs once, and not at each look.
func (v *Value[T]) lookAgain() {
	changed, err := v.load()
	switch {
	case err != nil && !v.failing:
		golog.Errorf("%s: %v; what was read before is kept", v.what, err)
	case err == nil && changed:
		golog.Infof("%s: renewed", v.what)
	}
	v.failing = err != nil
}

// load reads the files. When they have changed and can be used, they are the current value.
func (v *Value[T]) load() (changed bool, err error) {
	contents := make([][]byte, len(v.names))
	for i, name := range v.names {
		if contents[i], err = read(name); err != nil {
			return false, err
		}
	}
	if v.contents != nil && slices.EqualFunc(contents, v.contents, bytes.Equal) {
		return false, nil
	}
	value, err := v.parse(contents)
	if err != nil {
		return false, err
	}
	v.contents = contents
	v.current.Store(&value)
	return true, nil
}

// read returns what a file holds, which must not be more than maxSize.
func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("%s: the file is larger than %d bytes", name, maxSize)
	}
	return content, err
}

// Exposed returns a warning where every user of the machine can read a file, and what whoever reads it can
// do. Otherwise the warning is "", as it is on Windows, which has no such mode.
func Exposed(name, can string) (warning string) {
	if info, err := os.Stat(name); err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0 {
		return fmt.Sprintf("%s can be read by every user of this machine, and whoever reads it can %s: chmod o-r", name, can)
	}
	return ""
}
