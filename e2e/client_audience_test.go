package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A sight is an event as a client saw it.
type sight struct{ ID, Name, Data string }

// String returns the event, shortened.
func (s sight) String() string {
	return fmt.Sprintf("%s %q %.40q (%d bytes)", s.ID, s.Name, s.Data, len(s.Data))
}

// A member of an audience is a client that runs.
type member struct {
	client
	stderr lockedBuffer
	ended  chan struct{} // closed when it has ended; err is set then
	err    error

	mu   sync.Mutex
	seen []sight  // mu protects it
	gaps []string // what the events said that have the name gap; mu protects it
}

// join starts a client, which ends with the test.
func (c client) join(t *testing.T, command []string) *member {
	t.Helper()
	m := &member{client: c, ended: make(chan struct{})}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(cmd.Environ(), "DENO_NO_UPDATE_CHECK=1")
	cmd.Stderr = &m.stderr
	testkit.EndWithTest(cmd)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.ended)
		err := m.read(stdout)
		cmd.Process.Kill()
		m.err = fmt.Errorf("%s has ended: %v, %v: %s", c.name, err, cmd.Wait(), m.stderr.tail(10))
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		testkit.Receive(t, m.ended, c.name+" ends")
	})
	return m
}

// read reads what the client prints, to the end of that.
func (m *member) read(stdout io.Reader) error {
	for lines := json.NewDecoder(stdout); ; {
		var e sight
		if err := lines.Decode(&e); err != nil {
			return err
		}
		if e.Name == "message" { // The name of those that have none: HTML Standard, section 9.2.6.
			e.Name = ""
		}
		if m.emptyAtEnd && e.Data == "" {
			continue
		}
		m.mu.Lock()
		if e.Name == "gap" {
			m.gaps = append(m.gaps, e.Data)
		} else {
			m.seen = append(m.seen, e)
		}
		m.mu.Unlock()
	}
}

// check waits for nothing: missing says what the client has still to see where it shall see these events,
// each once and in order. It is empty where that is nothing, and err is not nil where it can't be any more.
func (m *member) check(events []sight) (missing string, err error) {
	select {
	case <-m.ended:
		return "", m.err
	default:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, e := range m.seen {
		if i == len(events) {
			return "", fmt.Errorf("%s has seen %v after the last", m.name, e)
		} else if e != events[i] {
			return "", fmt.Errorf("%s has seen %v, but event %d is %v", m.name, e, i, events[i])
		}
	}
	if n := len(m.seen); n < len(events) {
		return fmt.Sprintf("%s has not seen event %d, %v: %s", m.name, n, events[n], m.stderr.tail(3)), nil
	}
	return "", nil
}

// An audience is clients that watch one server together, and the events that they are to see.
type audience struct {
	t       *testing.T
	s       *server
	members []*member
	direct  *stream // what says which IDs the events have; of the server's present life
	events  []sight
}

// begin makes ready for a life of the server: it is called before anything is published.
func (a *audience) begin() { a.direct = subscribe(a.t, a.s.url+"/events", "1") }

// waitUntilConnected waits until all are connected and have seen all events.
func (a *audience) waitUntilConnected() {
	a.t.Helper()
	a.waitUntilSeen()                             // It names the client that has given up.
	a.s.waitForClients(int64(len(a.members) + 1)) // with direct
}

// publish publishes an event.
func (a *audience) publish(name, data string) {
	a.t.Helper()
	a.s.wantPost(post{name: name, data: data}, http.StatusNoContent)
	id, _ := a.direct.next()
	a.events = append(a.events, sight{fmt.Sprint(id), name, data})
}

// waitUntilSeen waits until all have seen all events. It names all that have not.
func (a *audience) waitUntilSeen() {
	a.t.Helper()
	testkit.Eventually(a.t, func() error {
		var all []string
		for _, m := range a.members {
			missing, err := m.check(a.events)
			if err != nil {
				a.t.Fatal(err)
			}
			if missing != "" {
				all = append(all, missing)
			}
		}
		if all != nil {
			return fmt.Errorf("%d of %d clients:\n%s", len(all), len(a.members), strings.Join(all, "\n"))
		}
		return nil
	})
}

// wantGaps checks that each has been told that it lacks what came after an event, and before the next one or, where it
// was back before that, before whatever comes.
func (a *audience) wantGaps(after int) {
	a.t.Helper()
	told := func(first string) string {
		return fmt.Sprintf(`{"lastEventId":%q,"first":%s}`, a.events[after].ID, first)
	}
	want := []string{told(a.events[after+1].ID), told("null")}
	for _, m := range a.members {
		m.mu.Lock()
		if len(m.gaps) == 0 || slices.ContainsFunc(m.gaps, func(gap string) bool { return !slices.Contains(want, gap) }) {
			a.t.Errorf("%s was told of the gaps %q, want one of %q", m.name, m.gaps, want)
		}
		m.gaps = nil
		m.mu.Unlock()
	}
}

// heartbeats opens a stream, and returns a function that waits until one more event has come on it, and
// then, in a silence, two lines that are no event's.
func (a *audience) heartbeats() (wait func()) {
	a.t.Helper()
	resp, cancel, err := open(streaming, a.s.url+"/events", a.events[len(a.events)-1].ID)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(cancel)
	return func() {
		a.t.Helper()
		defer cancel()
		defer resp.Body.Close()
		defer time.AfterFunc(testkit.Limit, cancel).Stop()
		stream := testkit.NewParser(resp.Body)
		if _, err := stream.Next(); err != nil {
			a.t.Fatal(err)
		}
		for range 2 {
			if _, err := stream.Line(); err != nil {
				a.t.Fatalf("there is no heartbeat: %v", err)
			}
		}
	}
}
