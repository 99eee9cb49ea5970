package sse

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
)

// A flooder is a TLS client that asks for new keys again and again: crypto/tls answers each request
// within Read (RFC 8446, section 4.6.3). No client that Go has can do so.
type flooder struct {
	net.Conn        // TCP
	secret   []byte // the client's traffic secret
	number   byte   // of the next record, counted from the last change of the keys (section 5.2)
}

// http1Request and http2Request ask for the stream: the second is the preface, empty settings, and a HEADERS
// frame that ends its stream, with :method GET, :scheme https, :path and :authority (RFC 9113, section 3.4; RFC 7541).
const (
	http1Request = "GET /events HTTP/1.1\r\nHost: test\r\n\r\n"
	http2Request = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
		"\x00\x00\x11\x01\x05\x00\x00\x00\x01" + "\x82\x87\x04\x07/events\x01\x04test"
)

// newFlooder connects, and asks for the stream. The server has to choose TLS_AES_128_GCM_SHA256.
func newFlooder(t *testing.T, server *httptest.Server, protocol, ask string) *flooder {
	t.Helper()
	conn := dial(t, server)
	conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	var log bytes.Buffer
	client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: &log, NextProtos: []string{protocol}})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if suite := client.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("the cipher suite is %s", tls.CipherSuiteName(suite))
	}
	f := &flooder{Conn: conn}
	for line := range strings.Lines(log.String()) {
		if fields := strings.Fields(line); fields[0] == "CLIENT_TRAFFIC_SECRET_0" {
			f.secret, _ = hex.DecodeString(fields[2])
		}
	}
	if _, err := f.Write(f.seal(23, []byte(ask))); err != nil {
		t.Fatal(err)
	}
	return f
}

// expand is HKDF-Expand-Label with an empty context (section 7.1).
func expand(secret []byte, label string, length int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(length))
	info = append(append(append(info, byte(len(label))), label...), 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), length)
	if err != nil {
		panic(err)
	}
	return out
}

// seal returns the next record.
func (f *flooder) seal(contentType byte, data []byte) []byte {
	block, _ := aes.NewCipher(expand(f.secret, "key", 16))
	aead, _ := cipher.NewGCM(block)
	nonce := expand(f.secret, "iv", aead.NonceSize())
	nonce[len(nonce)-1] ^= f.number
	f.number++
	inner := append(bytes.Clone(data), contentType)
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(inner)+aead.Overhead()))
	return aead.Seal(header, nonce, inner, header)
}

// keyUpdate returns the record that asks for new keys, and changes the client's own.
func (f *flooder) keyUpdate() []byte {
	record := f.seal(22, []byte{24, 0, 0, 1, 1})
	f.number = 0
	f.secret = expand(f.secret, "traffic upd", sha256.Size)
	return record
}

// flood asks for new keys until the connection ends. Some data after each 15 requests keeps
// crypto/tls from taking them for an attack. It reads nothing.
func (f *flooder) flood(data string) {
	for {
		var records []byte
		for range 15 {
			records = append(records, f.keyUpdate()...)
		}
		if _, err := f.Write(append(records, f.seal(23, []byte(data))...)); err != nil {
			return
		}
	}
}

// newFloodedServer serves a broker over TLS, with a short heartbeat so that stalls are noticed soon.
func newFloodedServer(t *testing.T) (*Broker, *httptest.Server) {
	t.Helper()
	b := New(Options{Heartbeat: time.Second})
	server := httptest.NewUnstartedServer(b.Handler())
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conn.(*tls.Conn).NetConn().(*net.TCPConn).SetWriteBuffer(1)
		}
	}
	server.StartTLS()
	t.Cleanup(func() {
		shutdown(t, b)
		server.Close()
	})
	return b, server
}

// Whoever floods the server and does not read what crypto/tls answers within Read blocks that Read, and
// every write to this client, but nobody else; and the flood ends.
func TestTLSClientThatFloodsAndDoesNotReadStopsNobody(t *testing.T) {
	t.Parallel()
	b, server := newFloodedServer(t)
	reader := openWith(t, server.Client(), server.URL, "Last-Event-ID", "0")
	eventually(t, "the reader registered", func() bool { return b.Stats().Clients == 1 })
	const flooders = 3
	ended := make(chan struct{}, flooders)
	for range flooders {
		f := newFlooder(t, server, "http/1.1", http1Request)
		go func() {
			f.flood("x")
			ended <- struct{}{}
		}()
	}
	for id := int64(1); len(ended) < flooders; id++ {
		if err := b.Publish(t.Context(), Event{ID: id}); err != nil {
			t.Fatal(err)
		}
		reader.want(t, id, "") // within testkit.Limit, while they flood
	}
	eventually(t, "the flooders are unregistered", func() bool { return b.Stats().Clients == 1 })
}

// What a client sends is counted as it is on the wire: a record that is never complete, too.
func TestUnfinishedRecordIsInput(t *testing.T) {
	t.Parallel()
	b, server := newFloodedServer(t)
	f := newFlooder(t, server, "http/1.1", http1Request)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	if _, err := f.Write(append([]byte{23, 3, 3, 0x40, 0}, make([]byte, transport.MaxInput)...)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
	if slow := b.Stats().SlowClients; slow != 0 {
		t.Errorf("%d clients were slow", slow)
	}
}

// A client that reads what its flood is answered with is not stalled; its flood ends by what it sends.
func TestTLSClientThatFloodsAndReadsIsCutOff(t *testing.T) {
	t.Parallel()
	b, server := newFloodedServer(t)
	f := newFlooder(t, server, "http/1.1", http1Request)
	go io.Copy(io.Discard, f.Conn)
	testkit.Return(t, func() { f.flood("x") }, "the flood ends")
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
}

// Over HTTP/2 net/http reads what a client sends, so it counts nothing; but such a client, too, delays nobody,
// and its stream ends since it does not read.
func TestHTTP2ClientThatFloodsAndDoesNotReadStopsNobody(t *testing.T) {
	t.Parallel()
	b, server := newFloodedServer(t)
	reader := openWith(t, server.Client(), server.URL, "Last-Event-ID", "0")
	eventually(t, "the reader registered", func() bool { return b.Stats().Clients == 1 })
	f := newFlooder(t, server, "h2", http2Request)
	eventually(t, "the flooder registered", func() bool { return b.Stats().Clients == 2 })
	flooded := make(chan struct{})
	go func() {
		f.flood("\x00\x00\x08\x06\x01\x00\x00\x00\x0012345678") // a PING's answer
		close(flooded)
	}()
	for id := int64(1); b.Stats().Clients == 2; id++ {
		if err := b.Publish(t.Context(), Event{ID: id}); err != nil {
			t.Fatal(err)
		}
		reader.want(t, id, "")
	}
	f.Close()
	testkit.Receive(t, flooded, "the flood's end")
}
