// Centrifugo runs Centrifugo, whose clients use its unidirectional endpoint for server-sent events, and
// publishes to it over one connection. Only Centrifugo is measured. Its binary is told by the
// environment variable SERVER.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/sse/bench/rivals/demo"
)

//go:embed config.json
var config string

func main() {
	log.SetFlags(0)
	f := demo.Parse()
	if err := run(f); err != nil {
		log.Fatal(err)
	}
}

// run runs Centrifugo until it ends or this process gets a signal.
func run(f demo.Flags) error {
	dir, err := os.MkdirTemp("", "centrifugo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "config.json")
	internal, err := write(name, f)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	server, err := demo.Start(os.Getenv("SERVER"), "--config", name)
	if err != nil {
		return err
	}
	go publish(f, internal)
	return wait(server, stop)
}

// wait waits until a server has ended, and ends it at a signal.
func wait(server *exec.Cmd, stop <-chan os.Signal) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-stop:
		server.Process.Signal(syscall.SIGTERM)
		return <-ended
	}
}

// write writes Centrifugo's configuration and returns the address of its API.
func write(name string, f demo.Flags) (internal netip.AddrPort, err error) {
	host, port, err := net.SplitHostPort(f.Addr)
	if err != nil {
		return internal, err
	}
	if internal, err = demo.FreeAddr(); err != nil {
		return internal, err
	}
	tls, err := json.Marshal(map[string]any{"enabled": f.Cert != "", "cert_pem": f.Cert, "key_pem": f.Key})
	if err != nil {
		return internal, err
	}
	words := strings.NewReplacer("{host}", host, "{port}", port, "{internal}", fmt.Sprint(internal.Port()), "{tls}", string(tls))
	return internal, os.WriteFile(name, []byte(words.Replace(config)), 0o600)
}

// publish posts the events, each when the one before is answered, until Centrifugo ends.
func publish(f demo.Flags, internal netip.AddrPort) {
	poster, err := demo.NewPoster(internal.String(), false)
	for limit := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(limit); poster, err = demo.NewPoster(internal.String(), false) {
		time.Sleep(10 * time.Millisecond) // It starts.
	}
	if err == nil {
		var request []byte
		err = f.Publish(func(topic string, _ int64, payload []byte) error {
			if topic == "" {
				topic = "demo"
			}
			request = fmt.Appendf(request[:0], `{"channel":%q,"data":%s}`, topic, payload)
			answer, err := poster.Post("/api/publish", request)
			if err == nil && bytes.Contains(answer, []byte(`"error"`)) {
				err = errors.New(string(answer))
			}
			return err
		})
	}
	log.Printf("publishing: %v", err)
}
