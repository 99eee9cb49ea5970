package e2e

import (
	"bytes"
	"crypto/tls"
	"io"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A rawHTTP2 is an HTTP/2 connection without a client's manners: it sends the frames that a
// test wants, and reads what the server answers only when it is told to.
type rawHTTP2 struct {
	*http2.Framer
	t      *testing.T
	conn   *tls.Conn
	header bytes.Buffer
	hpack  *hpack.Encoder
	stream uint32 // the last request's; odd, as a client's are
}

// dialHTTP2 opens a connection with the settings given, which is closed at the test's end.
func dialHTTP2(t *testing.T, s *server, settings ...http2.Setting) *rawHTTP2 {
	t.Helper()
	// The certificate is not what is tested here.
	conn := tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c := &rawHTTP2{Framer: http2.NewFramer(conn, conn), t: t, conn: conn, stream: 1}
	c.AllowIllegalWrites = true
	c.hpack = hpack.NewEncoder(&c.header)
	if err := c.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	return c
}

// request sends a request's header, and returns its stream. Its error is the connection's.
func (c *rawHTTP2) request(method, path string, end bool) (stream uint32, err error) {
	c.stream += 2
	c.header.Reset()
	for _, field := range [][2]string{{":method", method}, {":scheme", "https"}, {":authority", "x"}, {":path", path}} {
		c.hpack.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	return c.stream, c.WriteHeaders(http2.HeadersFrameParam{
		StreamID: c.stream, BlockFragment: c.header.Bytes(), EndHeaders: true, EndStream: end,
	})
}

// limits reads the server's settings, and how many bytes of bodies the connection may carry
// (RFC 9113, section 6.9.2). What says so comes before the server's acknowledgement.
func (c *rawHTTP2) limits() (settings map[http2.SettingID]uint32, window int, err error) {
	settings, window = make(map[http2.SettingID]uint32), 1<<16-1
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return nil, 0, err
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if f.IsAck() {
				return settings, window, nil
			}
			f.ForeachSetting(func(s http2.Setting) error { settings[s.ID] = s.Val; return nil })
		case *http2.WindowUpdateFrame:
			if f.StreamID == 0 {
				window += int(f.Increment)
			}
		}
	}
}
