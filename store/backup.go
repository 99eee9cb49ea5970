package store

import (
	"errors"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// BackupName is the name of the file that [Store.Backup] writes.
const BackupName = "backup.db"

// Backup writes all events that are on disk now to the file [BackupName] in the store's directory, while events are published
// and read as ever. It replaces an earlier backup once the new one is complete, and returns its path. To use a backup, put
// it into a directory of its own under the name events.db. The file with the events grows by what is published meanwhile.
// A copy of events.db by other means is of use only where no process has it open: otherwise the file changes while it
// is copied.
func (s *Store) Backup() (path string, err error) {
	path = filepath.Join(s.options.Dir, BackupName)
	f, err := os.CreateTemp(s.options.Dir, leftovers)
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	err = s.view(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return "", err
	}
	syncDir(s.options.Dir)
	return path, nil
}
