package unread

import (
	"bufio"
	"cmp"
	"net"
	"net/http"
	"strconv"
)

// maxHeld is how many bytes of an answer are held back, so that its length can be said in its
// header: a client knows then where the answer ends, although its handler has not returned. A
// longer answer goes out as it is written. net/http holds back as much.
const maxHeld = 2 << 10

// An answer is the writer of an answer to a request that has a body.
type answer struct {
	http.ResponseWriter
	status    int    // 0 until there is one
	held      []byte // what is held back of the body
	committed bool   // the header, and what was held back, went to the ResponseWriter
	hijacked  bool   // the handler has taken the connection
}

// WriteHeader takes note of the status. An interim one, such as 103, goes out at once.
func (a *answer) WriteHeader(status int) {
	switch {
	case a.committed || status < 200 && status != http.StatusSwitchingProtocols:
		a.ResponseWriter.WriteHeader(status)
	case a.status == 0: // The first one counts.
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	if !a.committed && len(a.held)+len(p) <= maxHeld {
		a.held = append(a.held, p...)
		return len(p), nil
	}
	a.commit()
	return a.ResponseWriter.Write(p)
}

// commit sends what was held back on to the ResponseWriter, from which on nothing is held back.
func (a *answer) commit() {
	if a.committed {
		return
	}
	a.committed = true
	a.ResponseWriter.WriteHeader(cmp.Or(a.status, http.StatusOK))
	if len(a.held) > 0 {
		a.ResponseWriter.Write(a.held)
	}
	a.held = nil
}

// finish sends what was held back on as the whole answer to r.
func (a *answer) finish(r *http.Request) {
	if !a.committed {
		header := a.Header()
		// Over HTTP/2 this would end the connection with all its other streams.
		if r.ProtoMajor == 1 {
			header.Set("Connection", "close")
		}
		needsLength := header.Get("Content-Length") == "" && r.Method != http.MethodHead
		if needsLength && a.status != http.StatusNoContent && a.status != http.StatusNotModified {
			header.Set("Content-Length", strconv.Itoa(len(a.held)))
		}
	}
	a.commit()
}

// Flush is http.Flusher's.
func (a *answer) Flush() { a.FlushError() }

// FlushError is what http.ResponseController flushes with.
func (a *answer) FlushError() error {
	a.commit()
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Hijack is http.Hijacker's.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.hijacked = err == nil
	return conn, buffered, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
