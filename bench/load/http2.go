package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// streamID is the number of each client's only stream: a connection of its own for each,
	// as each browser has.
	streamID = 1

	// streamWindow and connWindow are how many bytes the server may have sent that were not
	// granted again: Chromium's.
	streamWindow = 6 << 20
	connWindow   = 15 << 20

	// RFC 9113, sections 4.1, 4.2, 6.9.2, and 6.5.2 (until a client says more)
	frameHeaderLen = 9
	maxFrame       = 16 << 10
	initialWindow  = 65535
	hpackTable     = 4096
)

var errFrame = errors.New("not a frame that was to be expected")

// request2 returns a client's request for the stream over HTTP/2, after the preface.
func (l *Load) request2(c *client) []byte {
	var block bytes.Buffer
	fields := hpack.NewEncoder(&block)
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":path", Value: l.path(c.index, string(c.lastID))},
		{Name: ":authority", Value: c.server.String()}, {Name: "accept", Value: "text/event-stream"},
	} {
		fields.WriteField(f)
	}
	if len(c.lastID) > 0 {
		fields.WriteField(hpack.HeaderField{Name: "last-event-id", Value: string(c.lastID)})
	}
	request := bytes.NewBufferString(http2.ClientPreface)
	w := http2.NewFramer(request, nil) // A bytes.Buffer has no errors.
	w.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow})
	w.WriteWindowUpdate(0, connWindow-initialWindow)
	w.WriteHeaders(http2.HeadersFrameParam{StreamID: streamID, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	return request.Bytes()
}

// A frameReader takes the stream's data out of an HTTP/2 connection, and prepares the answers
// that the server wants.
type frameReader struct {
	header  []byte // of the frame being read, as far as it has come
	left    int    // bytes of its payload still to come
	payload []byte // as far as it has come; that of a DATA frame is not kept
	used    int    // bytes of data since the server was last granted more
	answers bytes.Buffer
	ok      bool // the stream's header has come, and its status is 200
}

// strip moves the stream's data in b to its front, and returns its length. Its error is
// io.EOF where the stream ends.
func (f *frameReader) strip(b []byte) (n int, err error) {
	for i := 0; ; {
		if missing := frameHeaderLen - len(f.header); missing > 0 {
			part := b[i:min(len(b), i+missing)]
			f.header = append(f.header, part...)
			i += len(part)
			if len(part) < missing {
				return n, nil
			}
			if f.left = int(binary.BigEndian.Uint32(f.header) >> 8); f.left > maxFrame {
				return n, errFrame
			}
		}
		part := b[i:min(len(b), i+f.left)]
		i += len(part)
		f.left -= len(part)
		if f.kind() == http2.FrameData {
			n += copy(b[n:], part)
			f.used += len(part)
		} else {
			f.payload = append(f.payload, part...)
		}
		if f.left > 0 {
			return n, nil
		}
		if err := f.end(); err != nil {
			return n, err
		}
		f.header, f.payload = f.header[:0], f.payload[:0]
	}
}

func (f *frameReader) kind() http2.FrameType      { return http2.FrameType(f.header[3]) }
func (f *frameReader) has(flags http2.Flags) bool { return http2.Flags(f.header[4])&flags != 0 }

// end takes note of a whole frame.
func (f *frameReader) end() error {
	w := http2.NewFramer(&f.answers, nil)
	switch f.kind() {
	case http2.FrameSettings:
		if !f.has(http2.FlagSettingsAck) {
			w.WriteSettingsAck()
		}
	case http2.FramePing:
		if len(f.payload) != len([8]byte{}) {
			return errFrame
		}
		if !f.has(http2.FlagPingAck) {
			w.WritePing(true, [8]byte(f.payload))
		}
	case http2.FrameRSTStream, http2.FramePushPromise, http2.FrameContinuation:
		return errFrame
	case http2.FrameHeaders:
		return f.headers()
	case http2.FrameData:
		if binary.BigEndian.Uint32(f.header[5:]) != streamID || f.has(http2.FlagDataPadded) || !f.ok {
			return errFrame
		}
		if f.used > streamWindow/2 {
			w.WriteWindowUpdate(0, uint32(f.used))
			w.WriteWindowUpdate(streamID, uint32(f.used))
			f.used = 0
		}
		if f.has(http2.FlagDataEndStream) {
			return io.EOF
		}
	}
	return nil
}

// headers reads the fields of the answer, which none of the servers here spreads over
// several frames.
func (f *frameReader) headers() error {
	if !f.has(http2.FlagHeadersEndHeaders) || f.has(http2.FlagHeadersPadded|http2.FlagHeadersPriority) {
		return errFrame
	}
	if f.ok {
		return io.EOF // These are trailers.
	}
	fields, err := hpack.NewDecoder(hpackTable, nil).DecodeFull(f.payload)
	if err != nil {
		return err
	}
	for _, field := range fields {
		if field.Name == ":status" && field.Value != "200" {
			return errStatus(field.Value)
		}
	}
	f.ok = true
	if f.has(http2.FlagHeadersEndStream) {
		return io.EOF
	}
	return nil
}
