package load

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestClientsReconnectWithTheirLastIDAndTheirTicket(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			got := make(chan string, 4)
			l := serve(t, protocol, func(w http.ResponseWriter, r *http.Request) {
				got <- fmt.Sprintf("%s, ID %q, resumes %t", r.Proto, r.Header.Get("Last-Event-ID"), r.TLS != nil && r.TLS.DidResume)
				fmt.Fprint(w, "id: 41\ndata: x\n\nid: 42\ndata: x\n\nid: 43\n")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
			if err := l.Connect(t.Context(), 1, false); err != nil {
				t.Fatal(err)
			}
			until(t, l, "two events", func() bool { return l.Events() == 2 })
			l.Disconnect(1)
			if l.Open() != 0 {
				t.Errorf("%d clients are connected after Disconnect", l.Open())
			}
			if err := l.Reconnect(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			proto := "HTTP/1.1"
			if protocol == HTTPS2 {
				proto = "HTTP/2.0"
			}
			// An ID counts only with its event (section 9.2.6).
			for _, want := range []string{
				fmt.Sprintf("%s, ID %q, resumes false", proto, ""), fmt.Sprintf("%s, ID %q, resumes %t", proto, "42", protocol != HTTP),
			} {
				if got := testkit.Receive(t, got, "a request"); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func TestACertificateThatIsNotTrustedIsAnError(t *testing.T) {
	for _, protocol := range []Protocol{HTTPS, HTTPS2} {
		l := serve(t, protocol, func(http.ResponseWriter, *http.Request) {})
		l.tls.RootCAs = x509.NewCertPool()
		if err := l.Connect(t.Context(), 1, false); !errors.As(err, new(x509.UnknownAuthorityError)) {
			t.Errorf("got %v", err)
		}
	}
}

func TestClientsWithoutAnAnswerAreTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // which never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, protocol := range protocols {
		l := newLoad(t, listener, protocol, nil)
		for _, within := range []time.Duration{0, 50 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			began := time.Now()
			if err := l.Connect(ctx, 3, false); !errors.Is(err, ErrNoAnswer) {
				t.Errorf("%s, within %v: got %v, want ErrNoAnswer", name, within, err)
			}
			if took := time.Since(began); took > answerTimeout*2/3 {
				t.Errorf("%s, within %v: took %v", name, within, took)
			}
			cancel()
		}
	}
}
