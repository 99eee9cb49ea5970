package unread

import (
	"io"
	"net/http"
	"testing"

	"example.com/sse/internal/testkit"
)

// After an error status Go's client sends no more by itself, so the answer is none.
func TestAnswerOverHTTP2IsWholeAndTheBodyMayStillCome(t *testing.T) {
	read := make(chan int64, 1)
	server := newServer(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "not read\n") })
	serve := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &counter{ReadCloser: r.Body}
		r.Body = counted
		serve.ServeHTTP(w, r)
		read <- counted.n
	})
	body, more := io.Pipe()
	request, err := http.NewRequest("POST", server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 || response.ContentLength != 9 || response.Header.Get("Connection") != "" {
		t.Errorf("%s %s: %v", response.Proto, response.Status, response.Header)
	}
	if _, err := more.Write(make([]byte, 60000)); err != nil {
		t.Errorf("the rest of the body: %v", err)
	}
	more.Close()
	line, err := io.ReadAll(response.Body)
	if err != nil || string(line) != "not read\n" {
		t.Errorf("%q, %v", line, err)
	}
	if n := testkit.Receive(t, read, "the end of the request"); n != 60000 {
		t.Errorf("%d bytes of the body were read", n)
	}
}

// A counter counts what is read of a body.
type counter struct {
	io.ReadCloser
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}
