package sse

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kataras/golog"
)

func TestZeroOptionsAreTheDefaults(t *testing.T) {
	for _, options := range []Options{{}, {History: -1, Heartbeat: -1}} {
		if got := options.withDefaults(); got.History != DefaultHistory || got.Heartbeat != DefaultHeartbeat || got.Log != golog.Default {
			t.Errorf("%+v", got)
		}
	}
	if got := (Options{Heartbeat: time.Millisecond}).withDefaults(); got.Heartbeat != MinHeartbeat {
		t.Errorf("heartbeats each %v", got.Heartbeat)
	}
}

func TestHistoryIsAsLargeAsItsOption(t *testing.T) {
	const size, retained = 200, 5
	b := New(Options{History: retained*(size+eventCost) + topicCost})
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	defer shutdown(t, b)
	data := strings.Repeat("x", size-len("id: 1\ndata: \n\n"))
	for id := range int64(9) {
		if err := b.Publish(t.Context(), Event{ID: id + 1, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, server.URL, "Last-Event-ID", "1")
	for id := int64(9 - retained + 1); id <= 9; id++ {
		s.want(t, id, data)
	}
	if missed := b.Stats().ResumesIncomplete; missed != 1 {
		t.Errorf("%d resumes are incomplete", missed)
	}
	open(t, server.URL, "Last-Event-ID", "4").want(t, 5, data)
	if missed := b.Stats().ResumesIncomplete; missed != 1 {
		t.Errorf("%d resumes are incomplete", missed)
	}
	large := strings.Repeat("x", 5000)
	b.Notifier <- Event{ID: 10, Data: []byte(large)}
	s.want(t, 10, large)
	open(t, server.URL, "Last-Event-ID", "1").want(t, 10, large)
}

func TestHeartbeatsOptionSaysWhenAClientIsStalled(t *testing.T) {
	for _, heartbeat := range []time.Duration{time.Second, time.Minute} {
		overEachProtocolServing(t, Options{Heartbeat: heartbeat}, func() Stream { return Stream{} }, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
			if err := b.Publish(t.Context(), Event{ID: 1, Data: make([]byte, 1<<20)}); err != nil {
				t.Fatal(err)
			}
			open("Last-Event-ID", "0") // It does not read.
			if err := b.Publish(t.Context(), Event{ID: 2}); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for b.Stats().Clients > 0 && time.Since(start) < time.Hour {
				time.Sleep(heartbeat / 10)
			}
			if took := time.Since(start); took < 2*heartbeat || took > 5*heartbeat {
				t.Errorf("cut off after %v", took)
			}
			shutdown(t, b)
		})
	}
}

func TestLogGoesWhereItsOptionSays(t *testing.T) {
	var text, global lockedBuffer
	logTo(&global)
	defer logTo(io.Discard)
	own := golog.New()
	own.SetOutput(&text)
	handler := slog.NewTextHandler(&text, nil)
	for name, test := range map[string]struct {
		log  Logger
		want []string
	}{
		"golog":   {own, []string{"[INFO]", "Client added. 1 registered clients", "[WARN]", "Removed client. 0 registered clients"}},
		"slog":    {SlogLogger(slog.New(handler)), []string{`level=INFO msg="Client added. 1 registered clients" clients=1`, `level=WARN msg="Removed client. 0 registered clients" clients=0`}},
		"nothing": {SlogLogger(slog.New(slog.DiscardHandler)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(Options{Log: test.log})
			server := httptest.NewServer(b.Handler())
			defer server.Close()
			open(t, server.URL)
			eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
			shutdown(t, b) // It returns when all is logged.
			got := text.String()
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("the log does not say %s: %s", want, got)
				}
			}
			if test.want == nil && got != "" {
				t.Errorf("the log says %s", got)
			}
			if global.String() != "" {
				t.Errorf("golog's own logger says %s", global.String())
			}
			text.mu.Lock()
			text.Reset()
			text.mu.Unlock()
		})
	}
}

func TestSlogLoggerFormats(t *testing.T) {
	var text bytes.Buffer
	l := SlogLogger(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	l.Infof("a %d", 1)
	l.Warnf("b %s", "x")
	l.Errorf("c")
	if want := "level=INFO msg=\"a 1\"\nlevel=WARN msg=\"b x\"\nlevel=ERROR msg=c\n"; text.String() != want {
		t.Errorf("got %s", text.String())
	}
}

func TestHandlerServesTheStreamInAMux(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	mux := http.NewServeMux()
	mux.Handle("/events", b.Handler())
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(mux)
		server.EnableHTTP2 = http2
		server.StartTLS()
		defer server.Close()
		defer server.CloseClientConnections()
		s := openWith(t, server.Client(), server.URL, "Last-Event-ID", "0")
		clients := b.Stats().Clients
		send(t, b, clients)
		for id := int64(1); id <= clients; id++ {
			s.want(t, id, string('0'+rune(id)))
		}
		for method, want := range map[string]int{http.MethodPost: 405, http.MethodOptions: 204, http.MethodHead: 200} {
			request, _ := http.NewRequestWithContext(t.Context(), method, server.URL+"/events", nil)
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s gets %s", method, response.Status)
			}
		}
	}
}
