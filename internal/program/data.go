package program

import (
	"errors"

	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/golog"
)

// Mind waits until the events on disk are loaded, and calls fail where they can't be: the server must not go on without
// them. Then it writes a backup whenever the process is asked for one.
func Mind(events *store.Store, fail func(error)) {
	if err := events.Wait(); err != nil {
		if !errors.Is(err, sse.ErrStopped) {
			fail(err)
		}
		return
	}
	for range backupSignals() {
		if path, err := events.Backup(); err != nil {
			golog.Errorf("backup: %v", err)
		} else {
			golog.Infof("backup: %s is written", path)
		}
	}
}
