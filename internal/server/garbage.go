package server

import (
	"runtime/debug"
	"time"
)

const (
	// collectAfter is how long no client must have come before garbage is collected.
	collectAfter = time.Second / 2

	// worthCollecting is after how many clients it is: each leaves some 10 KiB.
	worthCollecting = 100
)

// CollectGarbage collects garbage after many clients have come, and gives its memory back, until
// done is closed. Connecting leaves garbage and streams hardly any, so the runtime's own next
// collection may be two minutes away; until then a client would cost twice what it needs. clients
// returns how many have come so far.
func CollectGarbage(done <-chan struct{}, clients func() int64) {
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
			debug.FreeOSMemory()
			collected = came
		}
		last = came
	}
}
