package demo

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// A Poster publishes by HTTP to a server that is a program of its own, over one connection.
type Poster struct {
	// Token is what each request is authorized with, or empty.
	Token string

	addr    string
	conn    net.Conn
	answers *bufio.Reader
	request bytes.Buffer
}

// NewPoster connects to a server, over HTTPS where that is asked for. The publisher costs nothing that is
// measured, and trusts whoever listens.
func NewPoster(addr string, https bool) (*Poster, error) {
	var conn net.Conn
	var err error
	if https {
		conn, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	} else {
		conn, err = net.Dial("tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	return &Poster{addr: addr, conn: conn, answers: bufio.NewReader(conn)}, nil
}

// Close closes the connection.
func (p *Poster) Close() error { return p.conn.Close() }

// Post posts a body and returns the answer's, which is an error unless its status is a success.
func (p *Poster) Post(path string, body []byte) ([]byte, error) {
	p.request.Reset()
	fmt.Fprintf(&p.request, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", path, p.addr, len(body))
	if p.Token != "" {
		fmt.Fprintf(&p.request, "Authorization: Bearer %s\r\n", p.Token)
	}
	fmt.Fprintf(&p.request, "\r\n%s", body)
	if _, err := p.conn.Write(p.request.Bytes()); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(p.answers, nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(answer.Body)
}
