package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
)

const (
	// DefaultBytes is [Options.Bytes] where that is zero.
	DefaultBytes = 256 << 20

	// MaxBytes is the most that [Options.Bytes] can be.
	MaxBytes = 1 << 40
)

// Options say where the events are, and how many.
type Options struct {
	// Dir is the directory that has the events. It is created, for its owner alone, where it is missing. One
	// process has it at a time. There is no default.
	Dir string

	// Bytes bounds the events that are retained on disk: their data and names, with 64 bytes and twice the topic's
	// length more for each. Retained are, as in the broker's memory, the last events of all topics and, of what is older, the last
	// ten events of each topic, in at most half of the bound; the newest event always is. The file takes up to three times as
	// much, and some 16 MiB. Zero means [DefaultBytes]; more than [MaxBytes] counts as that.
	Bytes int64
}

// A Store is a broker's events on disk. [Open] returns one; the zero value is of no use. Its methods are safe for
// concurrent use.
type Store struct {
	broker  *sse.Broker
	options Options
	now     func() time.Time // the clock
	log     sse.Logger       // the broker's

	queue   chan *publication   // from Publish to the committer; no buffer: what was sent is stored
	batches chan []*publication // from the committer to the feeder; capacity 1
	closing chan struct{}       // closed by Close
	ended   chan struct{}       // closed when the committer and the feeder have ended, and the file is closed
	loaded  chan struct{}       // closed when the broker is filled, or can't be
	loadErr error               // why it can't be; read after loaded is closed

	close    func()       // closes closing, the first time
	closeErr error        // of the file; read after ended is closed
	ready    atomic.Bool  // the broker is filled
	fed      atomic.Int64 // the ID of the newest event that the broker was given, or is about to be
	counts   counts

	mu      sync.RWMutex // read-locked while db is used, and locked while it is replaced
	db      *bolt.DB     // nil where the file could not be opened again, and after Close
	reading sync.Mutex   // held by the one reader: see readInTurn

	// Owned by the committer, once the broker is filled:

	state     state     // as after the last transaction, but for state.last, which counts also events that were not stored
	fileLast  int64     // state.last as the file had it when it was last opened again
	nextTry   time.Time // when the file is to be opened again, where it could not be
	complaint string    // what was last logged, and has not been mended since
}

// Open opens a directory's events, and makes the store the broker's source and its archive: from then on only
// [Store.Publish] publishes. [sse.Broker.Publish] refuses an event without an ID with [sse.ErrNoID], and
// [sse.Broker.Notifier] is closed, so a send panics. Open returns before the broker has the newest events: until then its clients
// wait with an open stream. So call Open before the server listens, once for a broker, and then look
// at [Store.Wait].
//
// Where there is no file Open creates one, and says so in the log. An error is one line, which says what to do: the directory can't be
// created or written, it is in use by another process (Open waits for a second), or its file is not one of this
// package's, was written by a newer version, or is damaged. Open never begins anew by itself.
func Open(broker *sse.Broker, o Options) (*Store, error) { return open(broker, o, time.Now) }

// open is Open with a clock.
func open(broker *sse.Broker, o Options, now func() time.Time) (*Store, error) {
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	o.Bytes = min(o.Bytes, MaxBytes)
	if err := createDir(o.Dir, now().UnixMicro(), broker.Options().Log); err != nil {
		return nil, err
	}
	s := &Store{
		broker: broker, options: o, now: now, log: broker.Options().Log,
		queue:   make(chan *publication),
		batches: make(chan []*publication, 1),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
		loaded:  make(chan struct{}),
	}
	s.close = sync.OnceFunc(func() { close(s.closing) })
	var err error
	if s.db, s.state, err = openFile(o.Dir, o.Bytes); err != nil {
		return nil, explain(o.Dir, err)
	}
	removeLeftovers(o.Dir)
	s.counts.set(s.state)
	broker.Hold()
	close(broker.Notifier)
	broker.SetArchive(s.read)
	go s.run()
	return s, nil
}

// run fills the broker, and then stores what is published until Close.
func (s *Store) run() {
	defer close(s.ended)
	s.loadErr = s.load()
	if s.loadErr == nil {
		s.broker.Release()
		s.ready.Store(true)
	} else if !errors.Is(s.loadErr, sse.ErrStopped) {
		s.loadErr = explain(s.options.Dir, s.loadErr)
	}
	close(s.loaded)
	if s.loadErr == nil {
		var feeding sync.WaitGroup
		feeding.Go(s.feed)
		s.commitAll()
		close(s.batches)
		feeding.Wait()
	}
	<-s.closing
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db != nil {
		s.closeErr = s.db.Close()
		s.db = nil
	}
}

// Ready reports whether the broker has been filled: from then on clients are placed.
func (s *Store) Ready() bool { return s.ready.Load() }

// Wait returns nil when the broker is filled, and otherwise why it can't be: a program can't go on then.
// Where the broker has stopped before, that is [sse.ErrStopped].
func (s *Store) Wait() error {
	<-s.loaded
	return s.loadErr
}

// Close stores what Publish was given before, and closes the file. Call it after the broker's Shutdown. Every
// call after the first one waits likewise.
func (s *Store) Close() error {
	s.close()
	<-s.ended
	return s.closeErr
}

// errClosed is the error of whoever reads from a file that is not open.
var errClosed = errors.New("the file is not open")

// view reads from the file in a transaction. As long as it lasts, no page that it may read is used again, and the file grows: so
// all transactions are short but Backup's. What fn keeps must be copied.
func (s *Store) view(fn func(*bolt.Tx) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return errClosed
	}
	defer guard(&err)()
	return s.db.View(fn)
}

// check returns an error once a context has ended or the broker has stopped.
func (s *Store) check(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.broker.Done():
		return fmt.Errorf("%w", sse.ErrStopped)
	default:
		return nil
	}
}
