package program

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSystemdIsToldOnceWhatChanges(t *testing.T) {
	for _, drains := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			serving, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan struct{})
			var n atomic.Int64
			var told []string
			go tellSystemd(serving, done, n.Load, func(state string) { told = append(told, state) })
			synctest.Wait()
			n.Store(1)
			time.Sleep(10 * statusEvery)
			synctest.Wait()
			want := []string{"READY=1\nSTATUS=0 clients", "STATUS=1 clients", "STOPPING=1"}
			if drains {
				stop()
				synctest.Wait()
				n.Store(0)
				time.Sleep(10 * statusEvery)
				want = append(want, "STATUS=0 clients")
			}
			close(done)
			synctest.Wait()
			if !slices.Equal(told, want) {
				t.Errorf("it was told %q, want %q", told, want)
			}
		})
	}
}
