package e2e

import (
	"errors"
	"os"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/net/http2"
)

// An initial window of 0 lets the server send a stream's header, and no byte of its body.
func TestHTTP2StreamsWithoutWindowEndUnregistered(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", "100ms")
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
	s.waitForClients(0)
}

// A stream that has begun is not subject to the write timeout, which is 10 s.
func TestHTTP2StreamOutlivesTheWriteTimeout(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", "100ms")
	stream := subscribeWith(t, trusting(t, true), s.url+"/events", "")
	for begun := time.Now(); time.Since(begun) < 12*time.Second; {
		stream.next()
	}
}

func TestHTTP2TakesNoMoreThanItsBounds(t *testing.T) {
	t.Parallel()
	s := startTLS(t)
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
	s := startTLS(t, "-interval", never.String())
	client := trusting(t, true)
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
