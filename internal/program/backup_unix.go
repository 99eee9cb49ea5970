//go:build unix

package program

import (
	"os"
	"os/signal"
	"syscall"
)

// backupSignals returns a channel that has SIGUSR1, which asks for a backup.
func backupSignals() <-chan os.Signal {
	signals := make(chan os.Signal, 1) // While one backup is written another may be asked for.
	signal.Notify(signals, syscall.SIGUSR1)
	return signals
}
