package demo

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// MaxTimings is how many of the last publications a [Timings] holds.
const MaxTimings = 1 << 15

// Timings are how many publications there were, and how long the last ones took. Two processes share them
// in a file: the publisher writes to memory, and neither needs a system call.
type Timings struct{ shared *sharedTimings }

type sharedTimings struct {
	count atomic.Int64
	last  [MaxTimings]atomic.Int64 // in nanoseconds, by number modulo MaxTimings
}

// OpenTimings returns the timings in a file, which are empty where there is none.
func OpenTimings(name string) (t Timings, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return t, err
	}
	defer f.Close()
	size := int(unsafe.Sizeof(*t.shared))
	if err := f.Truncate(int64(size)); err != nil {
		return t, err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return t, err
	}
	t.shared = (*sharedTimings)(unsafe.Pointer(unsafe.SliceData(b)))
	return t, nil
}

// add notes a publication.
func (t Timings) add(took time.Duration) {
	n := t.shared.count.Load()
	t.shared.last[n%MaxTimings].Store(int64(took))
	t.shared.count.Store(n + 1)
}

// Count returns how many publications there were.
func (t Timings) Count() int { return int(t.shared.count.Load()) }

// Between returns how long the publications took from one number to another, of which there are at most
// MaxTimings, and those the last.
func (t Timings) Between(from, to int) (took []time.Duration) {
	for n := max(from, to-MaxTimings); n < to; n++ {
		took = append(took, time.Duration(t.shared.last[n%MaxTimings].Load()))
	}
	return took
}

// Close gives the memory back.
func (t Timings) Close() error {
	return syscall.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(t.shared)), unsafe.Sizeof(*t.shared)))
}
