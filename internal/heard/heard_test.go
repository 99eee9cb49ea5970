package heard

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A pipes is a listener whose one connection is a pipe.
type pipes struct {
	net.Listener
	conn net.Conn
}

func (p pipes) Accept() (net.Conn, error) { return p.conn, nil }

// A below is TLS, as far as it matters here.
type below struct{ conn net.Conn }

func (b below) NetConn() net.Conn { return b.conn }

func TestSilenceIsSinceThePeerWasLastHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		conn, err := Listener{pipes{conn: theirs}}.Accept()
		if err != nil {
			t.Fatal(err)
		}
		ctx := With(t.Context(), below{conn})
		want := func(want time.Duration) {
			t.Helper()
			if got := Silence(ctx); got != want {
				t.Errorf("silent for %v, want %v", got, want)
			}
		}
		want(0)
		time.Sleep(time.Minute)
		want(time.Minute)
		go ours.Write([]byte("x"))
		conn.Read(make([]byte, 1))
		want(0)
		time.Sleep(time.Minute)
		conn.SetReadDeadline(time.Now()) // is no word of the peer's
		conn.Read(make([]byte, 1))
		want(time.Minute)
		conn.SetReadDeadline(time.Time{})
		ours.Close()
		conn.Read(make([]byte, 1))
		want(0)
		time.Sleep(time.Minute)
		conn.Close()
		conn.Read(make([]byte, 1))
		want(time.Minute)

		if got := Silence(With(t.Context(), below{ours})); got != 0 {
			t.Errorf("any other connection is silent for %v", got)
		}
	})
}
