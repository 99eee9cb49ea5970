package load

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// TestClientsComeBackToTheNextServer ends clients' streams. The server after theirs refuses connections.
func TestClientsComeBackToTheNextServer(t *testing.T) {
	const clients, retry = 3, 30 * time.Millisecond
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			end, resumed := make(chan struct{}), make(chan string, clients)
			l := serve(t, protocol, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, "retry: %d\nid: 1\ndata: x\n\nid: 2\ndata: x\n\nid: 3\n", retry.Milliseconds())
				w.(http.Flusher).Flush()
				<-end
			})
			first := l.addr(0, 0)
			gone, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			gone.Close()
			last := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				resumed <- r.Header.Get("Last-Event-ID")
				fmt.Fprint(w, "id: 3\ndata: x\n\n")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}))
			if protocol == HTTP {
				last.Start()
			} else {
				last.EnableHTTP2 = true
				last.StartTLS() // with the first server's certificate
			}
			t.Cleanup(last.Close)
			servers := []netip.AddrPort{first}
			for _, listener := range []net.Listener{gone, last.Listener} {
				servers = append(servers, netip.MustParseAddrPort(listener.Addr().String()))
			}
			l.ServedBy(func(_, connection int) netip.AddrPort { return servers[connection] })
			l.ComeBack()
			t.Cleanup(l.Close) // Clients would hold the last server.
			if err := l.Connect(t.Context(), clients, false); err != nil {
				t.Fatal(err)
			}
			until(t, l, "two events", func() bool { return l.Counts().Delivered == 2*clients })
			ended := time.Now()
			close(end)
			until(t, l, "all are back", func() bool { return len(l.Returns()) == clients })
			if got, want := l.Counts(), (Counts{Delivered: 3 * clients, Dropped: clients}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for range clients {
				if id := testkit.Receive(t, resumed, "a request"); id != "2" {
					t.Errorf("a client resumes from %q", id)
				}
			}
			for _, r := range l.Returns() {
				// A client waits before each of its two tries.
				if r.Answered.Sub(ended) < 2*retry || r.Received.Before(r.Answered) {
					t.Errorf("answered %v after the end, received %v", r.Answered.Sub(ended), r.Received.Sub(ended))
				}
			}
			for _, r := range l.Receipts() {
				if r.Clients != clients || r.First.After(r.Last) || (r.Key == 3) != r.First.After(ended) {
					t.Errorf("%+v, where the streams ended at %v", r, ended)
				}
			}
		})
	}
}

func TestWhereNoReconnectionTimeIsNamedItIsThatOfBrowsers(t *testing.T) {
	l := serve(t, HTTP, func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() })
	l.ComeBack()
	before := time.Now()
	if err := l.Connect(t.Context(), 1, false); err != nil {
		t.Fatal(err)
	}
	until(t, l, "the end", func() bool { return len(l.away) == 1 })
	if due := l.at(l.away[0].due); due.Before(before.Add(defaultRetry)) || due.After(time.Now().Add(defaultRetry)) {
		t.Errorf("due %v after the first connect", due.Sub(before))
	}
}
