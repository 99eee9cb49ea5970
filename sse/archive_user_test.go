package sse

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
)

// A pacedTransport is a client that takes each part after a pause.
type pacedTransport struct {
	pause time.Duration
	mu    sync.Mutex
	got   []byte
	over  chan struct{} // closed when the stream has ended, was cut off, or the client has left
	once  sync.Once
}

func newPacedTransport(pause time.Duration) *pacedTransport {
	return &pacedTransport{pause: pause, over: make(chan struct{})}
}

func (p *pacedTransport) Open(part []byte) error { return p.Write(part, nil) }

func (p *pacedTransport) Write(part []byte, _ *transport.Frame) error {
	if p.pause > 0 {
		select {
		case <-time.After(p.pause):
		case <-p.over:
		}
	}
	select {
	case <-p.over:
		return errStorm
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, part...)
	return nil
}

func (p *pacedTransport) End()    { p.once.Do(func() { close(p.over) }) }
func (p *pacedTransport) CutOff() { p.End() }

// hasAll tells whether the user has the last event of its topics, or is one who can't be sure to get it: not before a
// stalled connection is cut off, or who leaves.
func (u *archiveUser) hasAll() bool {
	u.life.mu.Lock()
	defer u.life.mu.Unlock()
	if u.pause > 100*time.Millisecond || u.stays < forever {
		return true
	}
	for _, e := range slices.Backward(u.life.published) {
		if slices.Contains(u.topics, e.Topic) {
			lost := u.life.archive.lacks(e) && u.connection != nil && u.connection.hasGap()
			return u.lastEventID >= e.ID || u.connection != nil && u.connection.has(e.ID) || lost
		}
	}
	return true
}

// has tells whether an event has come whole.
func (p *pacedTransport) has(id int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := bytes.Index(p.got, fmt.Appendf(nil, "id: %d\n", id))
	return i >= 0 && bytes.Contains(p.got[i:], []byte("\n\n"))
}

func (p *pacedTransport) hasGap() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Contains(p.got, []byte("event: gap\n"))
}

// forever is longer than a life takes.
const forever = 24 * time.Hour

// An archiveUser is somebody who resumes, and reconnects whenever a stream has ended.
type archiveUser struct {
	topics      []string
	lastEventID int64
	pause       time.Duration
	stays       time.Duration // how long each connection lasts at most
	life        *archiveLife
	left        chan struct{}
	connection  *pacedTransport // under the life's mutex
	got         []int64
}

// connect connects once, and stays until the stream ends, or the user leaves, or done is closed. It returns false then.
func (u *archiveUser) connect(b *Broker, done <-chan struct{}) (again bool) {
	u.life.mu.Lock()
	u.connection = newPacedTransport(u.pause)
	u.life.mu.Unlock()
	c := &client{broker: b, index: gone, beginning: resumeAfter(fmt.Sprint(u.lastEventID)), out: u.connection}
	c.outbox.init()
	if !b.join(c, u.topics...) {
		return false
	}
	go c.writeFirst([]byte("retry: 1000\n"))
	again = true
	select {
	case <-u.connection.over:
	case <-time.After(u.stays):
		u.connection.CutOff()
	case <-done:
		u.connection.CutOff()
		again = false
	}
	c.ConnectionEnded(nil)
	c.users.Wait()
	return again
}

// parse reads what came through the last connection, and checks it beside what was published to the user's topics.
func (u *archiveUser) parse(published []Event, archivesAll bool) error {
	p := newParser(bytes.NewReader(u.connection.got))
	gaps := 0
	for {
		e, err := p.Next()
		if _, wrong := err.(*testkit.GrammarError); wrong {
			return err
		}
		if err != nil {
			return nil
		}
		var skipped []int64
		for _, other := range published {
			if slices.Contains(u.topics, other.Topic) && other.ID > u.lastEventID && other.ID < e.ID {
				skipped = append(skipped, other.ID)
			}
		}
		told := p.Gaps[gaps:]
		gaps = len(p.Gaps)
		switch {
		case e.ID <= u.lastEventID:
			return fmt.Errorf("%d comes after %d", e.ID, u.lastEventID)
		case len(told) > 1 || len(told) == 1 && archivesAll:
			return fmt.Errorf("the gaps %+v before %d", told, e.ID)
		case len(told) == 0 && len(skipped) > 0:
			return fmt.Errorf("%v are missing before %d, and no gap was told", skipped, e.ID)
		case len(told) == 1 && (len(skipped) == 0 || told[0].LastEventID != fmt.Sprint(u.lastEventID) || told[0].First != e.ID && told[0].First != 0):
			return fmt.Errorf("after %d the gap %+v is told, %v are missing, and %d comes", u.lastEventID, told[0], skipped, e.ID)
		}
		u.lastEventID = e.ID
		u.got = append(u.got, e.ID)
	}
}
