package demo

import (
	"cmp"
	"sync"
	"time"
)

// together publishes from several goroutines at once, from one signal to the next, until a publication fails.
func (f Flags) together(publish func(payload []byte) error) error {
	timings, err := OpenTimings(f.Timings)
	if err != nil {
		return err
	}
	var mu sync.Mutex // held to write to timings and failure
	var failure error
	for range f.toggle {
		var publishing sync.WaitGroup
		for range f.Publishers {
			publishing.Go(func() {
				for len(f.toggle) == 0 {
					payload, began := Payload(time.Now()), time.Now()
					err := publish(payload)
					took := time.Since(began)
					mu.Lock()
					if failure = cmp.Or(failure, err); failure == nil {
						timings.add(took)
					}
					failed := failure != nil
					mu.Unlock()
					if failed {
						return
					}
				}
			})
		}
		publishing.Wait()
		if failure != nil {
			return failure
		}
		<-f.toggle
	}
	return nil
}
