package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// fileName is the file's name in its directory. leftovers matches files that are being written: each is renamed when it
	// is complete, to fileName or to BackupName.
	fileName  = "events.db"
	leftovers = "*.new"

	// lockTimeout is how long another process may take to leave the file: in a restart the old one may be about to end.
	lockTimeout = time.Second

	// allocSize is by how much the file grows at a time.
	allocSize = 4 << 20
)

var (
	errDamaged = errors.New("damaged")
	errForeign = errors.New("not a file of this program")
	errVersion = errors.New("the file has another version")
)

// createDir creates a directory with a file without events, where there is none. The file gets its name when it is whole.
func createDir(dir string, born int64, log sse.Logger) error {
	path := filepath.Join(dir, fileName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, leftovers)
	if err != nil {
		return err
	}
	f.Close()
	defer os.Remove(f.Name())
	if err := createFile(f.Name(), max(born, 1)); err != nil {
		return explain(dir, err)
	}
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist):
		return nil // Another process was faster: its file stays, and it may have removed this one.
	case err != nil: // The file system has no links.
		if err := os.Rename(f.Name(), path); err != nil {
			return err
		}
	}
	syncDir(dir)
	syncDir(filepath.Dir(dir))
	log.Infof("store: there were no events in %s: created %s", dir, fileName)
	return nil
}

// createFile writes a database without events to an empty file.
func createFile(path string, born int64) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType, PageSize: pageSize})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		var errs []error
		for _, name := range [][]byte{metaBucket, logBucket, eventsBucket, partsBucket} {
			_, err := tx.CreateBucket(name)
			errs = append(errs, err)
		}
		meta := tx.Bucket(metaBucket)
		errs = append(errs, meta.Put(versionKey, []byte{version}), meta.Put(stateKey, state{born: born, last: born, window: born}.encode()))
		return errors.Join(errs...)
	})
	return errors.Join(err, db.Close())
}

// syncDir has a directory's entries written to disk, on systems that know this.
func syncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		f.Sync()
		f.Close()
	}
}

// removeLeftovers removes what a process has left behind that was killed while it created a file.
func removeLeftovers(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, leftovers))
	for _, file := range files {
		os.Remove(file)
	}
}

// openFile opens the file in a directory, which must be there, and checks it.
func openFile(dir string, maxBytes int64) (db *bolt.DB, st state, err error) {
	var file *os.File
	defer func() {
		if err != nil && file != nil { // After a panic the database can't be closed any more, but its lock is the file's.
			file.Close()
		}
	}()
	defer guard(&err)()
	options := &bolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
		OpenFile: func(path string, flag int, mode fs.FileMode) (_ *os.File, err error) {
			if file, err = os.OpenFile(path, flag&^os.O_CREATE, mode); err != nil {
				return nil, err
			}
			// bbolt would take a file that was cut off to nothing for a new one.
			if info, err := file.Stat(); err != nil || info.Size() == 0 {
				return nil, errors.Join(fmt.Errorf("%w: it is empty", errDamaged), err, file.Close())
			}
			return file, nil
		},
	}
	if strconv.IntSize == 64 && runtime.GOOS != "windows" {
		// More is mapped than the file can grow to (Options.Bytes): to map more later, the committer would have to wait
		// for all readers.
		options.InitialMmapSize = int(4*maxBytes) + 64<<20
	}
	if db, err = bolt.Open(filepath.Join(dir, fileName), 0o600, options); err != nil {
		return nil, state{}, err
	}
	db.AllocSize = allocSize
	if st, err = checkFile(db, file); err != nil {
		db.Close()
		return nil, state{}, err
	}
	return db, st, nil
}

// checkFile checks that a file is one of this version, and that all of its pages are there, and returns its state.
func checkFile(db *bolt.DB, file *os.File) (st state, err error) {
	info, err := file.Stat()
	if err != nil {
		return state{}, err
	}
	err = db.View(func(tx *bolt.Tx) error {
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %d bytes are missing at its end", errDamaged, tx.Size()-info.Size())
		}
		// All pages are read once, in the order of the disk: to read them in the order of the tree takes much longer.
		if _, err := io.Copy(io.Discard, io.NewSectionReader(file, 0, tx.Size())); err != nil {
			return err
		}
		meta := tx.Bucket(metaBucket)
		if meta == nil || meta.Get(versionKey) == nil {
			return errForeign
		}
		if v := meta.Get(versionKey); len(v) != 1 || v[0] != version {
			return fmt.Errorf("%w: %d, and not %d", errVersion, v, version)
		}
		for _, name := range [][]byte{logBucket, eventsBucket, partsBucket} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: %s is missing", errDamaged, name)
			}
		}
		if st, err = decodeState(meta.Get(stateKey)); err != nil {
			return err
		}
		return checkPages(tx)
	})
	return st, err
}

// checkPages checks that each page says of which type it is: a page that was zeroed, or is another file's, does not.
func checkPages(tx *bolt.Tx) error {
	for id := 2; int64(id)*pageSize < tx.Size(); id++ { // Pages 0 and 1 are bbolt's headers.
		page, err := tx.Page(id)
		switch {
		case err != nil:
			return err
		case page == nil:
			return nil
		case page.Type == "leaf" || page.Type == "branch" || page.Type == "freelist":
			id += page.OverflowCount
		case page.Type != "free":
			return fmt.Errorf("%w: page %d is %s", errDamaged, id, page.Type)
		}
	}
	return nil
}

// guard makes errors of panics, by which bbolt says that a file is not as it should be, and of page faults, by which the
// system says that a page of the file could not be read. Use it so: defer guard(&err)().
func guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if why := recover(); why != nil {
			*err = fmt.Errorf("%w: %v", errDamaged, why)
		}
	}
}

// explain returns an error in one line that names the file in a directory and says what its operator can do.
func explain(dir string, err error) error {
	path := filepath.Join(dir, fileName)
	const advice = "put a backup in its place, or move it away to begin without events"
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s is in use by another process", path)
	case errors.Is(err, errVersion):
		return fmt.Errorf("%s: %w: use a program of the version that wrote it, or move it away to begin without events", path, err)
	case errors.Is(err, errForeign), errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("%s is not a file of this program, or its beginning is damaged: %s", path, advice)
	case errors.Is(err, errDamaged), errors.Is(err, errFormat):
		return fmt.Errorf("%s is damaged (%w): %s", path, err, advice)
	}
	return err
}
