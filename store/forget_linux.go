package store

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// forget has the kernel drop the pages that it has in memory of the file in a directory, so that the file is read from
// the disk. Nobody may have the file open. Pages that are still to be written stay.
func forget(dir string) {
	if f, err := os.Open(filepath.Join(dir, fileName)); err == nil {
		unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		f.Close()
	}
}
