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

	// minClients is after how many clients garbage is collected at the earliest. Each client leaves some 10 KiB of it,
	// so that is 1 MB.
	minClients = 100

	// calmShare says when garbage is collected although clients still come: when at most one in ten of the clients that
	// have come since the last collection has come since the last look. While more come, collecting waits, since they leave
	// more garbage. So while clients come at a steady rate, garbage is collected at every tenth look, and no more often.
	calmShare = 10

	// restAfter is by how much the time that a collection took is multiplied for the rest after it. While clients still
	// come there is no collection in that rest, so collecting takes at most a twentieth of one core's time.
	restAfter = 20

	// ballast is how many bytes are allocated and never used, which takes none of the
	// machine's memory. The runtime collects when there is as much garbage as there is memory in use:
	// with the ballast that is 32 MiB at least. Otherwise it would scan the connections of
	// thousands of clients that come at once again and again while they come: a reconnect takes 95 µs
	// of CPU instead of 121 (bench, 9,000 clients).
	ballast = 32 << 20

	// ballastPiece is the size of the pieces of which the ballast consists. The runtime zeroes all of
	// an allocation even if only its first page was in use before, and what is zeroed takes memory:
	// a single piece of 32 MiB took 32 MiB at every third start.
	ballastPiece = 1 << 20
)

// collectGarbage collects garbage after many clients have come, and gives its memory back, until
// done is closed. Connecting leaves garbage and streams hardly any, so the runtime's own next
// collection may be two minutes away; until then a client would cost several times what it needs (Serve). collectGarbage
// waits while clients come in a storm (calmShare), but not for a few that still come, and
// takes at most a twentieth of one core's time (restAfter). clients returns how many have come so far.
func collectGarbage(done <-chan struct{}, ballast int, clients func() int64) {
	defer runtime.KeepAlive(newBallast(ballast))
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var collected, seen int64 // clients that had come at the last collection, and at the last look
	var next time.Time        // the earliest time of a collection while clients come
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		came, begun := clients(), time.Now()
		fresh, uncollected := came-seen, came-collected
		seen = came
		calm, rested := fresh*calmShare <= uncollected, begun.After(next)
		if uncollected < minClients || fresh > 0 && !(calm && rested) {
			continue
		}
		runtime.GC() // and FreeOSMemory collects again, since what is in a sync.Pool survives one collection
		// Collecting alone leaves the memory with the process: 3.2 KiB a client instead of 1.9 (bench, 9,000 clients).
		debug.FreeOSMemory()
		collected = came
		end := time.Now()
		next = end.Add(restAfter * end.Sub(begun))
	}
}

// ballastFor returns how much ballast a server takes. Over TLS it is none: there handshakes leave so much garbage that,
// collected late, it would fragment the heap, which would cost 1 KiB more a client. A listener of another type may be one for
// TLS, so it has none, too.
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
