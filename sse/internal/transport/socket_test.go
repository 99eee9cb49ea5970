package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// An owner has room for why a connection has ended, once.
type owner chan error

func (o owner) ConnectionEnded(why error) { o <- why }

func TestOwnerLearnsOnceThatAConnectionHasEnded(t *testing.T) {
	for name, test := range map[string]struct {
		end     func(s *Socket, client net.Conn)
		tooMuch bool
	}{
		"the client leaves":     {func(_ *Socket, client net.Conn) { client.Close() }, false},
		"the stream ends":       {func(s *Socket, client net.Conn) { go io.Copy(io.Discard, client); s.End() }, false},
		"the client is cut off": {func(s *Socket, _ net.Conn) { s.CutOff() }, false},
		"ended, and cut off":    {func(s *Socket, client net.Conn) { go io.Copy(io.Discard, client); s.End(); s.CutOff() }, false},
		"little input":          {func(_ *Socket, client net.Conn) { client.Write(make([]byte, MaxInput)); client.Close() }, false},
		"too much input":        {func(_ *Socket, client net.Conn) { client.Write(make([]byte, MaxInput+1)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer ours.Close()
				owner := make(owner, 2)
				var w Watcher
				s := w.NewSocket(theirs, owner)
				w.Watch(s)
				test.end(s, ours)
				time.Sleep(time.Minute)
				if len(owner) != 1 {
					t.Fatalf("told %d times", len(owner))
				}
				if why := <-owner; errors.Is(why, ErrTooMuchInput) != test.tooMuch || IsSilence(why) {
					t.Errorf("it has ended by %v", why)
				}
				if _, err := theirs.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the connection is not closed: %v", err)
				}
			})
		})
	}
}

func TestGoodbyeOverTLSBlocksNobody(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	server.Close()
	certificate := server.TLS.Certificates[0]
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		peer := tls.Client(ours, &tls.Config{InsecureSkipVerify: true})
		conn := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{certificate}})
		go peer.Handshake()
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		// From now on nobody reads.
		s := new(Watcher).NewSocket(conn, nil)
		start := time.Now()
		s.End()
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute) // The goodbye is given up by then.
	})
}
