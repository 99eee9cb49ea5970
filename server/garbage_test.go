package server

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"example.com/sse/internal/testkit"
)

// What begins where memory was in use before is zeroed to its end.
func TestBallastTakesNoMemory(t *testing.T) {
	const hole = 4 << 20
	runtime.GC()
	full := newBallast(int(memStats().HeapSys)) // What other tests have left free is in use again,
	defer runtime.KeepAlive(full)
	garbage = make([]byte, hole)
	clear(garbage)
	garbage = nil
	runtime.GC() // but for this, before memory that never was.
	if got := residentBytes(t, newBallast(ballast)); got > ballast/2 {
		t.Errorf("%d KiB are in memory", got>>10)
	}
}

// residentBytes returns how many bytes of all pieces are in memory.
func residentBytes(t *testing.T, pieces [][]byte) (n int) {
	pagemap, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Skip(err) // no Linux
	}
	defer pagemap.Close()
	for _, piece := range pieces {
		begins := uintptr(unsafe.Pointer(&piece[0]))
		for offset := 0; offset < len(piece); offset += os.Getpagesize() {
			page := (int64(begins) + int64(offset)) / int64(os.Getpagesize())
			var entry [8]byte
			if _, err := pagemap.ReadAt(entry[:], 8*page); err != nil {
				t.Fatal(err)
			}
			const present = 1 << 63
			if binary.NativeEndian.Uint64(entry[:])&present != 0 {
				n += os.Getpagesize()
			}
		}
	}
	return n
}

// runCollection runs collectGarbage until the test ends.
func runCollection(t *testing.T, ballast int, clients func() int64) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		collectGarbage(done, ballast, clients)
		close(ended)
	}()
	t.Cleanup(func() {
		close(done)
		testkit.Receive(t, ended, "its end")
	})
}

func memStats() (stats runtime.MemStats) {
	runtime.ReadMemStats(&stats)
	return stats
}

func TestGarbageIsCollectedOnceAfterManyClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var came atomic.Int64
		collections := func() uint32 {
			synctest.Wait()
			return memStats().NumForcedGC
		}
		runCollection(t, 0, came.Load)
		time.Sleep(lookEvery / 2)          // always between two looks
		const few = minClients / calmShare // of which many have to come
		for _, step := range []struct {
			what  string
			come  int64 // from look to look
			looks int
			want  uint32 // twice each time
		}{
			{"nobody comes", 0, 5, 0},
			{"many come", minClients, 5, 0},
			{"no more come", 0, 5, 2},
			{"a few come", few, calmShare - 1, 0},
			{"a few are too few", 0, 5, 0},
			{"some more come", few, 1, 2},
			{"they stay", 0, 5, 0},
			{"a storm", 10_000, 8, 0},
			{"after the storm some still trickle in", 1, 1, 2},
			{"they are too few", 1, minClients - 1, 0},
			{"together they are many", 1, 1, 2},
			{"the storm does not end", 10_000, 10 * calmShare, 2 * 10},
		} {
			before := collections()
			for range step.looks {
				came.Add(step.come)
				time.Sleep(lookEvery)
			}
			if got := collections() - before; got != step.want {
				t.Errorf("%s: %d collections, want %d", step.what, got, step.want)
			}
		}
	})
}

func TestFewMegabytesOfGarbageAreNotCollectedAtOnce(t *testing.T) {
	runCollection(t, ballast, func() int64 { return 0 })
	testkit.Eventually(t, func() error {
		runtime.GC() // What is left is in use.
		if n := memStats().HeapAlloc; n < ballast {
			return fmt.Errorf("%d bytes are in use", n)
		}
		return nil
	})
	runtime.GC() // From now on the ballast counts.
	before := memStats().NumGC
	for range 10 << 10 {
		garbage = make([]byte, 1<<10)
	}
	if got := memStats().NumGC - before; got != 0 {
		t.Errorf("%d collections for 10 MiB of garbage", got)
	}
}

var garbage []byte // where the compiler has to allocate it
