package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

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

// An initial window of 0 lets the server send a stream's header, and no byte of its body.
func TestHTTP2StreamsWithoutWindowEndUnregistered(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := start(t, "-interval", "100ms", "-cert", cert, "-key", key)
	c := dialHTTP2(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	open := make(map[uint32]string)
	for i := range 90 {
		path := []string{"/events", "/events?lastEventId=1", "/"}[i%3]
		stream, err := c.request("GET", path, true)
		if err != nil {
			t.Fatal(err)
		}
		open[stream] = path
	}
	for len(open) > 0 {
		frame, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("%d streams stay open: %v, %v", len(open), err, open)
		}
		switch f := frame.(type) {
		case *http2.DataFrame:
			t.Fatalf("%d bytes of %s without a window", f.Length, open[f.StreamID])
		case *http2.RSTStreamFrame:
			delete(open, f.StreamID)
		case *http2.PingFrame:
			c.WritePing(true, f.Data)
		case *http2.GoAwayFrame:
			t.Fatalf("the server closes the connection: %v", f)
		}
	}
	client := trusting(t, cert, true)
	testkit.Eventually(t, func() error {
		if body := testkit.Get(t, client, s.url+"/stats"); !bytes.Contains(body, []byte(`"clients":0,`)) {
			return fmt.Errorf("some are registered: %s", body)
		}
		return nil
	})
}

// A stream that has begun is not subject to the write timeout, which is 10 s.
func TestHTTP2StreamOutlivesTheWriteTimeout(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := start(t, "-interval", "100ms", "-cert", cert, "-key", key)
	stream := subscribeWith(t, trusting(t, cert, true), s.url+"/events", "")
	for begun := time.Now(); time.Since(begun) < 12*time.Second; {
		stream.next()
	}
}

func TestHTTP2TakesNoMoreThanItsBounds(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := start(t, "-cert", cert, "-key", key)
	c := dialHTTP2(t, s)
	settings, window, err := c.limits()
	if err != nil {
		t.Fatal(err)
	}
	if window > 64<<10 {
		t.Errorf("a connection may carry %d bytes of bodies, want 64 KiB", window)
	}
	for want, value := range map[http2.SettingID]uint32{
		http2.SettingMaxFrameSize:         16 << 10,
		http2.SettingInitialWindowSize:    64 << 10,
		http2.SettingMaxConcurrentStreams: 100,
	} {
		if settings[want] != value {
			t.Errorf("%v is %d, want %d", want, settings[want], value)
		}
	}
	// RFC 9113, section 4.2: a frame that is larger ends the connection.
	stream, err := c.request("POST", "/events", false)
	if err == nil {
		err = c.WriteRawFrame(http2.FrameData, 0, stream, make([]byte, 16<<10+1))
	}
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := c.ReadFrame()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a frame of more than 16 KiB does not end the connection")
		}
		if err != nil {
			break
		}
		if f, ok := frame.(*http2.GoAwayFrame); ok && f.ErrCode != http2.ErrCodeFrameSize {
			t.Errorf("the server says %v", f.ErrCode)
		}
	}
}

// A body has no business at /events. One that is sent all the same takes little of the
// server's memory, and no room from other requests on its connection.
func TestHTTP2BodiesAtEventsCostLittle(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/status", "Linux")
	cert, key := certificate(t)
	s := start(t, "-interval", never.String(), "-cert", cert, "-key", key)
	client := trusting(t, cert, true)
	testkit.Get(t, client, s.url+"/stats")
	before := processFigures(t, s.pid())
	const connections = 100
	for range connections {
		c := dialHTTP2(t, s)
		settings, window, err := c.limits()
		if err != nil {
			t.Fatal(err)
		}
		open := make(map[uint32]bool)
		for window > 0 {
			stream, err := c.request("GET", "/events", false)
			if err != nil {
				t.Fatal(err)
			}
			open[stream] = true
			for n := min(window, int(settings[http2.SettingInitialWindowSize])); n > 0; {
				frame := min(n, 16<<10)
				if err := c.WriteData(stream, false, make([]byte, frame)); err != nil {
					t.Fatal(err)
				}
				n -= frame
				window -= frame
			}
		}
		// What gives room back comes before the answer to a ping that is sent last.
		for answered := false; !answered; {
			frame, err := c.ReadFrame()
			if err != nil {
				t.Fatalf("%d streams with a body stay open: %v", len(open), err)
			}
			switch f := frame.(type) {
			case *http2.RSTStreamFrame:
				delete(open, f.StreamID)
				if len(open) == 0 {
					c.WritePing(false, [8]byte{})
				}
			case *http2.WindowUpdateFrame:
				if f.StreamID == 0 {
					window += int(f.Increment)
				}
			case *http2.PingFrame:
				answered = f.IsAck()
			}
		}
		if window < 48<<10 {
			t.Errorf("%d bytes are left for other bodies", window)
		}
	}
	after := processFigures(t, s.pid())
	each := (after.rss - before.rss) / connections
	t.Logf("%d KiB a connection: %v, then %v", each, before, after)
	if each > 512 {
		t.Errorf("a connection costs %d KiB", each)
	}
}
