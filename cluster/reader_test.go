package cluster

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestEventReadTwiceIsForwardedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := sse.NewBroker()
		m := &Member{broker: broker}
		now := time.Now()
		var forwarded []string
		for _, message := range []struct {
			sequence uint64
			stored   time.Time
			data     string
		}{
			{10, now, "a"},
			{11, now, "b"}, // stored at the same time
			{10, now, "read again"},
			{11, now, "read again"},
			{11, now.Add(1), "c"}, // NATS lost its end, and gives the number again
			{12, now.Add(1), "d"},
			{1, now.Add(2), "e"}, // NATS lost all but its beginning
			{2, now.Add(2), "f"},
		} {
			before := broker.Stats().Events
			m.forward(t.Context(), message.sequence, message.stored, &nats.Msg{Subject: subject, Data: []byte(message.data)})
			synctest.Wait()
			if broker.Stats().Events > before {
				forwarded = append(forwarded, message.data)
			}
		}
		if want := []string{"a", "b", "c", "d", "e", "f"}; !slices.Equal(forwarded, want) {
			t.Errorf("forwarded %q, want %q", forwarded, want)
		}
		broker.Shutdown(t.Context())
	})
}

func TestStreamCreatedAgainIsNewWhateverItsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := sse.NewBroker()
		m := &Member{broker: broker}
		now := time.Now()
		m.recognize(now)
		m.forward(t.Context(), 10, now, &nats.Msg{Subject: subject})
		m.recognize(now) // as after every reconnect
		m.forward(t.Context(), 10, now, &nats.Msg{Subject: subject})
		synctest.Wait()
		if got := broker.Stats().Events; got != 1 {
			t.Errorf("an event that was read twice is %d events", got)
		}
		m.recognize(now.Add(-time.Hour))
		m.forward(t.Context(), 1, now.Add(-time.Hour), &nats.Msg{Subject: subject})
		m.forward(t.Context(), 2, now.Add(-time.Hour), &nats.Msg{Subject: subject})
		synctest.Wait()
		if got := broker.Stats().Events; got != 3 {
			t.Errorf("%d events of the stream that was created again, want 2", got-1)
		}
		broker.Shutdown(t.Context())
	})
}

func TestLastTickIsKnownFromTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := sse.NewBroker()
		m := &Member{broker: broker}
		tick := nats.Header{jetstream.MsgIDHeader: {"tick-5000"}}
		m.forward(t.Context(), 1, time.Now(), &nats.Msg{Subject: subject, Header: tick})
		m.forward(t.Context(), 2, time.Now(), &nats.Msg{Subject: subject})
		other := nats.Header{jetstream.MsgIDHeader: {"tick-6000"}} // Ticks are in the default topic.
		m.forward(t.Context(), 3, time.Now(), &nats.Msg{Subject: subjectOf("mail/anna"), Header: other})
		if got := m.lastTick.Load(); got != 5000 {
			t.Errorf("the last tick is %d", got)
		}
		broker.Shutdown(t.Context())
	})
}

func TestNameThatIsNoTextStopsNothing(t *testing.T) {
	var lines strings.Builder
	golog.SetOutput(&lines)
	defer golog.SetOutput(os.Stdout)
	broker := sse.NewBroker()
	defer broker.Shutdown(t.Context())
	m := &Member{broker: broker}
	for i, name := range []string{"a\nb", "caf\xe9", "Preis €", ""} {
		if err := m.forward(t.Context(), uint64(i+1), time.Now(), &nats.Msg{Subject: subject, Header: nats.Header{nameHeader: {name}}}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := strings.Count(lines.String(), "not one line of UTF-8"); got != 1 {
		t.Errorf("%d lines: %q", got, lines.String())
	}
}

func TestWarningIsLoggedOnceUntilReset(t *testing.T) {
	var lines strings.Builder
	golog.SetOutput(&lines)
	defer golog.SetOutput(os.Stdout)
	var trouble warnOnce
	for _, say := range []string{"A", "A", "B", "B", "", "B"} {
		if say == "" {
			trouble.reset()
		} else {
			trouble.warn("trouble %s", say)
		}
	}
	if got := strings.Count(lines.String(), "trouble"); got != 3 {
		t.Errorf("%d lines: %q", got, lines.String())
	}
}
