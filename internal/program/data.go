package program

import (
	"errors"

	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/golog"
)

// Mind waits until the events on disk are loaded, and calls fail where they can't be loaded: the server must not go on
// without them. Once they are loaded, Mind writes a backup whenever a signal asks for one (backupSignals).
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
