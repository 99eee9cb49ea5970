package e2e

import (
	"testing"

	"golang.org/x/net/http2"
)

// Frames that are cheap to send and do nothing must not cost the server memory, nor the others
// their events. Whether the server puts up with them or ends the connection is its choice.
func TestHTTP2FloodsOfSmallFramesCostLittle(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/status", "Linux")
	s := startTLS(t, "-interval", "100ms")
	client := trusting(t, true)
	f := follow(t, client, s.url+"/events")
	waitUntilOpened(t, []*follower{f}, 1)
	const frames = 20_000
	for _, flood := range []struct {
		what string
		send func(c *rawHTTP2, stream uint32, i int) error
	}{
		{"bytes of a body, one a frame", func(c *rawHTTP2, stream uint32, _ int) error { return c.WriteData(stream, false, []byte{1}) }},
		{"empty data", func(c *rawHTTP2, stream uint32, _ int) error { return c.WriteData(stream, false, nil) }},
		{"pings", func(c *rawHTTP2, _ uint32, i int) error { return c.WritePing(false, [8]byte{byte(i)}) }},
		{"settings", func(c *rawHTTP2, _ uint32, _ int) error {
			return c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 16})
		}},
		{"window updates", func(c *rawHTTP2, stream uint32, _ int) error { return c.WriteWindowUpdate(stream, 1) }},
		{"priorities", func(c *rawHTTP2, _ uint32, i int) error {
			return c.WritePriority(uint32(2*i+1001), http2.PriorityParam{StreamDep: uint32(2*i + 999)})
		}},
		{"streams that are reset at once", func(c *rawHTTP2, _ uint32, _ int) error {
			stream, err := c.request("GET", "/events", true)
			if err != nil {
				return err
			}
			return c.WriteRSTStream(stream, http2.ErrCodeCancel)
		}},
		{"parts of a header", func(c *rawHTTP2, stream uint32, i int) error {
			if i == 0 {
				return c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream + 2, BlockFragment: []byte{0x82}})
			}
			return c.WriteContinuation(stream+2, false, []byte{0x82})
		}},
		{"frames of an unknown type", func(c *rawHTTP2, stream uint32, _ int) error { return c.WriteRawFrame(0xee, 0, stream, []byte{1}) }},
	} {
		before := processFigures(t, s.pid())
		c := dialHTTP2(t, s)
		stream, err := c.request("GET", "/events", false)
		sent := 0
		for ; err == nil && sent < frames; sent++ {
			err = flood.send(c, stream, sent) // and never read what comes back
		}
		after := processFigures(t, s.pid())
		t.Logf("%s: %d frames, then %v; %v, then %v", flood.what, sent, err, before, after)
		if grown := after.rss - before.rss; grown > 16<<10 {
			t.Errorf("%s: %d KiB more memory", flood.what, grown)
		}
		c.conn.Close()
	}
	stream := subscribeWith(t, client, s.url+"/events?lastEventId=1", "")
	stream.upTo(f.got()[0])
	checkStreamsStayedOpen(t, []*follower{f})
}
