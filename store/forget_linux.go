package store

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// forget has the kernel forget what it has in memory of the file in a directory, which nobody has open, as far as it was
// written or lost, so that the file is read from the disk.
func forget(dir string) {
	if f, err := os.Open(filepath.Join(dir, fileName)); err == nil {
		unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		f.Close()
	}
}
