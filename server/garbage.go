package server

import (
	"net"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// lookEvery is how often collectGarbage looks how many clients have come.
	lookEvery = time.Second / 2

	// worthCollecting is after how many clients garbage is collected: each leaves some 10 KiB.
	worthCollecting = 100

	// calmShare is which part of the clients whose garbage is there may have come since the last look
	// for it to be collected. While more come, collecting waits: what they leave would have to be collected
	// again. So a steady stream of clients has their garbage collected each calmShare looks, and no more often.
	calmShare = 10

	// restAfter is how many times as long as a collection took the next one is put off while clients
	// still come: collecting what they leave takes a twentieth of one core's time at most.
	restAfter = 20

	// ballast is how many bytes are allocated and never used, which takes none of the
	// machine's memory. The runtime collects when there is as much garbage as there is memory in use:
	// with the ballast not before there are 32 MiB. Otherwise it would scan the connections of
	// thousands of clients that come at once again and again while they come: a reconnect takes 95 µs
	// of CPU instead of 121 (bench, 9,000 clients).
	ballast = 32 << 20

	// ballastPiece is how large the pieces are of which the ballast consists: the runtime zeroes all of
	// an allocation even if only its first page was in use before, and what is zeroed takes memory.
	// One piece of 32 MiB did so at every third start.
	ballastPiece = 1 << 20
)

// collectGarbage collects garbage after many clients have come, and gives its memory back, until
// done is closed. Connecting leaves garbage and streams hardly any, so the runtime's own next
// collection may be two minutes away; until then a client would cost twice what it needs. While
// clients come in a storm it waits; those who still trickle in do not keep it from collecting. It
// takes a twentieth of one core's time at most. clients returns how many have come so far.
func collectGarbage(done <-chan struct{}, ballast int, clients func() int64) {
	defer runtime.KeepAlive(newBallast(ballast))
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var collected, last int64
	var next time.Time // of the earliest collection
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		came := clients()
		more, garbage := came-last, came-collected
		last = came
		begun := time.Now()
		calm := more == 0 || more*calmShare <= garbage && begun.After(next)
		if !calm || garbage < worthCollecting {
			continue
		}
		runtime.GC() // What is in a sync.Pool survives one collection.
		// Collecting alone leaves the memory with the process: 3.2 KiB a client instead of 1.9 (bench, 9,000 clients).
		debug.FreeOSMemory()
		collected = came
		end := time.Now()
		next = end.Add(restAfter * end.Sub(begun))
	}
}

// ballastFor returns how much ballast a server takes. Over TLS none: a handshake leaves so much garbage
// that what stays would lie scattered, 1 KiB a client.
func ballastFor(listener net.Listener) int {
	if l, ok := listener.(*Listener); ok && !l.encrypted {
		return ballast
	}
	return 0
}

// newBallast allocates n bytes, which should be a multiple of ballastPiece.
func newBallast(n int) (pieces [][]byte) {
	for range n / ballastPiece {
		pieces = append(pieces, make([]byte, ballastPiece))
	}
	return pieces
}
