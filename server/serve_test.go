package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// ways are how an app serves a broker's stream.
var ways = map[string]func(ctx context.Context, listener net.Listener, broker *sse.Broker) error{
	"net/http": func(ctx context.Context, listener net.Listener, broker *sse.Broker) error {
		mux := http.NewServeMux()
		mux.Handle("/events", broker.Handler())
		return Serve(ctx, listener, &http.Server{Handler: mux}, broker)
	},
	"Iris": func(ctx context.Context, listener net.Listener, broker *sse.Broker) error {
		app := iris.New()
		app.Any("/events", broker.ServeHTTP)
		return ServeIris(ctx, listener, app, broker)
	},
}

// serving serves a stream in one of the ways, and returns its URL, and a function that stops the server and returns
// what serving returned.
func serving(t *testing.T, way string, config *tls.Config) (url string, broker *sse.Broker, stop func() error) {
	t.Helper()
	listener, err := Listen("127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	broker = sse.NewBroker()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	served := make(chan error, 1)
	go func() { served <- ways[way](ctx, listener, broker) }()
	return listener.URL(), broker, func() error {
		t.Helper()
		cancel()
		return testkit.Receive(t, served, "the end of the server")
	}
}

// waitForClients waits until that many clients are registered.
func waitForClients(t *testing.T, broker *sse.Broker, n int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := broker.Stats().Clients; got != n {
			return fmt.Errorf("%d clients are registered, want %d", got, n)
		}
		return nil
	})
}

func TestServeEndsTheStreamsWithItsContext(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			url, broker, stop := serving(t, way, nil)
			response, err := testkit.Client.Get(url + "/events")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			waitForClients(t, broker, 1)
			if err := broker.Publish(t.Context(), sse.Event{Data: []byte("last words")}); err != nil {
				t.Fatal(err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "last words") {
				t.Errorf("the stream was %q, %v", body, err)
			}
			if _, err := testkit.Client.Get(url); err == nil {
				t.Error("it still serves")
			}
			if err := broker.Publish(t.Context(), sse.Event{}); err != sse.ErrStopped {
				t.Errorf("the broker has not stopped: %v", err)
			}
		})
	}
}

// A client that does not read, and a request whose handler does not end.
func TestServeEndsAlsoWhereOthersDoNot(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	begun := make(chan struct{})
	broker := sse.NewBroker()
	app := iris.New()
	app.Any("/events", broker.ServeHTTP)
	app.Get("/hangs", func(iris.Context) {
		close(begun)
		<-release
	})
	listener, err := Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- ServeIris(ctx, listener, app, broker) }()
	var conns []net.Conn
	for _, path := range []string{"/events", "/hangs"} {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), testkit.Limit)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.(*net.TCPConn).SetReadBuffer(1)
		conn.SetDeadline(time.Now().Add(testkit.Limit))
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		conns = append(conns, conn)
	}
	waitForClients(t, broker, 1)
	testkit.Receive(t, begun, "the request that hangs")
	for range 20 {
		if err := broker.Publish(t.Context(), sse.Event{Data: make([]byte, 50_000)}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := testkit.Receive(t, served, "the end of the server"); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, conns[1]); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the request that hangs: %v", err)
	}
}

func TestServeSaysWhyItCannotServe(t *testing.T) {
	for way, serve := range ways {
		listener, err := Listen("127.0.0.1:0", nil)
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		broker := sse.NewBroker()
		served := make(chan error, 1)
		go func() { served <- serve(t.Context(), listener, broker) }()
		if err := testkit.Receive(t, served, "an error"); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: %v", way, err)
		}
		waitForClients(t, broker, 0)
	}
}

// Over HTTP/1 and HTTP/2, with TLS and without, each with what it needs.
func TestServeSpeaksHTTP1AndHTTP2WithAndWithoutTLS(t *testing.T) {
	cert, key := makePair(t, 1)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, content := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for way := range ways {
		for _, encrypted := range []bool{false, true} {
			for major := 1; major <= 2; major++ {
				t.Run(fmt.Sprintf("%s, TLS %v, HTTP/%d", way, encrypted, major), func(t *testing.T) {
					var config *tls.Config
					if encrypted {
						var err error
						if config, err = Certificate(certFile, keyFile); err != nil {
							t.Fatal(err)
						}
					}
					url, broker, stop := serving(t, way, config)
					transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols)}
					defer transport.CloseIdleConnections()
					transport.Protocols.SetHTTP1(major == 1)
					transport.Protocols.SetHTTP2(major == 2)
					transport.Protocols.SetUnencryptedHTTP2(major == 2)
					response, err := testkit.StreamClient(transport).Get(url + "/events")
					if err != nil {
						t.Fatal(err)
					}
					defer response.Body.Close()
					if response.ProtoMajor != major {
						t.Errorf("it speaks %s", response.Proto)
					}
					waitForClients(t, broker, 1)
					if err := broker.Publish(t.Context(), sse.Event{Data: []byte("hello")}); err != nil {
						t.Fatal(err)
					}
					event := make(chan string, 1)
					go func() {
						next, _ := testkit.NewParser(response.Body).Next()
						event <- next.Data
					}()
					if got := testkit.Receive(t, event, "the event"); got != "hello" {
						t.Errorf("got %q", got)
					}
					if err := stop(); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

func TestConfigureLeavesWhatTheAppHasSet(t *testing.T) {
	srv := &http.Server{ReadTimeout: time.Hour, MaxHeaderBytes: 1, Protocols: new(http.Protocols)}
	Configure(srv)
	if srv.ReadTimeout != time.Hour || srv.MaxHeaderBytes != 1 || srv.Protocols.HTTP2() {
		t.Errorf("it is %+v", srv)
	}
	if srv.ReadHeaderTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 || srv.HTTP2 == nil || srv.ErrorLog == nil {
		t.Errorf("something is not limited: %+v", srv)
	}
}
