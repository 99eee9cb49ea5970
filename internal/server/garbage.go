package server

import (
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// collectAfter is how long no client must have come before garbage is collected.
	collectAfter = time.Second / 2

	// worthCollecting is after how many clients it is: each leaves some 10 KiB.
	worthCollecting = 100

	// Ballast is how many bytes CollectGarbage may allocate and never use, which takes none of the
	// machine's memory. The runtime collects when there is as much garbage as there is memory in use:
	// with the ballast not before there are 32 MiB. Otherwise it would scan the connections of
	// thousands of clients that come at once again and again while they come.
	Ballast = 32 << 20

	// ballastPiece is how large the pieces are of which the ballast consists: the runtime zeroes all of
	// an allocation even if only its first page was in use before, and what is zeroed takes memory.
	// One piece of 32 MiB did so at every third start.
	ballastPiece = 1 << 20
)

// CollectGarbage collects garbage after many clients have come, and gives its memory back, until
// done is closed. Connecting leaves garbage and streams hardly any, so the runtime's own next
// collection may be two minutes away; until then a client would cost twice what it needs. clients
// returns how many have come so far.
func CollectGarbage(done <-chan struct{}, ballast int, clients func() int64) {
	defer runtime.KeepAlive(newBallast(ballast))
	ticker := time.NewTicker(collectAfter)
	defer ticker.Stop()
	var collected, last int64
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		came := clients()
		if came == last && came-collected >= worthCollecting {
			runtime.GC() // What is in a sync.Pool survives one collection.
			debug.FreeOSMemory()
			collected = came
		}
		last = came
	}
}

// newBallast allocates n bytes, which should be a multiple of ballastPiece.
func newBallast(n int) (pieces [][]byte) {
	for range n / ballastPiece {
		pieces = append(pieces, make([]byte, ballastPiece))
	}
	return pieces
}
