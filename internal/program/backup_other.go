//go:build !unix

package program

import "os"

// backupSignals returns nothing: this system has no signal to ask for a backup.
func backupSignals() <-chan os.Signal { return nil }
