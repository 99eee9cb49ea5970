package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"example.com/sse/sse"
)

// reopenPause is the time between two tries to open a file again.
const reopenPause = time.Second

// recover follows an error of the disk, and answers those that wait for a batch.
//
//   - Where there was no room to write, bbolt has rolled the transaction back.
//   - After any other error nobody knows what the transaction has left. The system drops what it could not write, and says
//     so once: an fsync that succeeds afterwards says nothing about it, and what is read of the file may be memory that
//     never reached the disk. So the file is opened again, and what it has then counts.
func (s *Store) recover(batch []*publication, cause error) {
	if isFull(cause) && beforeSync(cause) {
		s.complain("store: the disk is full: what is published is not stored")
		s.refuse(batch, fmt.Errorf("not published: %w", sse.ErrFull))
		return
	}
	s.log.Errorf("store: %v: opening the file again", cause)
	s.closeFailed()
	if err := s.reopen(); err != nil {
		s.refuse(batch, fmt.Errorf("%w, %w", err, ErrUncertain))
		return
	}
	if s.fileLast != batch[len(batch)-1].event.ID { // The file does not have the batch.
		why := ErrFailed
		if isFull(cause) {
			why = sse.ErrFull
		}
		s.refuse(batch, fmt.Errorf("not published: %w", why))
		return
	}
	// The file has the batch, but its header, which was written last, may be in memory alone. Once another transaction is on
	// disk, so is the batch.
	st, err := s.write(func(*writer) error { return nil })
	if err != nil {
		s.log.Errorf("store: %v: the file is to be opened again", err)
		s.closeFailed()
		st = s.state
		// The broker gets the batch even so: the file may have it, and clients would otherwise miss it without knowing that.
		s.refuse(batch, fmt.Errorf("not known to be stored, %w: %w", ErrUncertain, ErrFailed))
	}
	s.accept(batch, st)
}

// closeFailed closes the file after an error.
func (s *Store) closeFailed() {
	s.mu.Lock()
	db := s.db
	s.db = nil
	s.mu.Unlock()
	closed := make(chan error, 1)
	go func() {
		var err error
		defer func() { closed <- err }()
		defer guard(&err)()
		err = db.Close()
	}()
	select {
	case err := <-closed:
		if err != nil {
			s.log.Errorf("store: closing the file: %v", err)
		}
	case <-time.After(2 * lockTimeout): // A panic in bbolt has left it locked.
		s.log.Errorf("store: the file can't be closed: start the program again")
	}
}

// reopen opens the file again where it is not open. After a try that has failed it waits for reopenPause, in which it
// returns an error at once.
func (s *Store) reopen() error {
	if s.db != nil {
		return nil
	}
	if now := time.Now(); now.Before(s.nextTry) {
		return fmt.Errorf("not published: %w", ErrFailed)
	}
	forget(s.options.Dir)
	db, st, err := openFile(s.options.Dir, s.options.Bytes)
	if err != nil {
		s.nextTry = time.Now().Add(reopenPause)
		s.complain("store: %v", explain(s.options.Dir, err))
		return fmt.Errorf("not published: %w", ErrFailed)
	}
	s.fileLast = st.last
	st.last = max(st.last, s.state.last)
	s.state = st
	s.mu.Lock()
	s.db = db
	s.mu.Unlock()
	s.log.Infof("store: the file is open again")
	return nil
}

// complain logs an error, unless the last one that it logged was the same: each publication may have that error.
func (s *Store) complain(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); line != s.complaint {
		s.complaint = line
		s.log.Errorf("%s", line)
	}
}

// beforeSync tells whether an error came from a write or from growing the file, and so before the fsync that would follow.
func beforeSync(err error) bool {
	var atPath *fs.PathError
	return errors.As(err, &atPath) && atPath.Op == "write" || strings.Contains(err.Error(), "file resize error")
}

// isFull tells whether an error says that there is no room. bbolt passes some errors on as text.
func isFull(err error) bool {
	for _, full := range fullErrors {
		if errors.Is(err, full) || strings.Contains(err.Error(), full.Error()) {
			return true
		}
	}
	return false
}
