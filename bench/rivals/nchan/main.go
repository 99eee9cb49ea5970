// Nchan runs nginx with its nchan module, and publishes to it over one connection. Only
// nginx is measured.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"example.com/sse/bench/rivals/demo"
)

//go:embed nginx.conf
var conf string

// modules are where distributions put nginx's modules.
var modules = []string{
	"/usr/lib/nginx/modules/ngx_nchan_module.so",
	"/usr/lib64/nginx/modules/ngx_nchan_module.so",
	"/usr/local/lib/nginx/modules/ngx_nchan_module.so",
}

func main() {
	addr, interval := demo.Flags()
	if err := run(addr, interval); err != nil {
		log.Fatal(err)
	}
}

func run(addr string, interval time.Duration) error {
	module := ""
	for _, name := range modules {
		if _, err := os.Stat(name); err == nil {
			module = name
		}
	}
	if module == "" {
		return fmt.Errorf("no nchan module (Debian: apt-get install libnginx-mod-nchan)")
	}
	dir, err := os.MkdirTemp("", "nchan")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	filled := strings.NewReplacer("{module}", module, "{dir}", dir, "{addr}", addr, "{files}", fmt.Sprint(files.Max)).Replace(conf)
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(filled), 0o600); err != nil {
		return err
	}
	nginx := exec.Command("nginx", "-p", dir, "-c", name)
	nginx.Stdout, nginx.Stderr = os.Stdout, os.Stderr
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	if err := nginx.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- nginx.Wait() }()
	go publish(addr, interval)
	select {
	case err := <-ended:
		return fmt.Errorf("nginx ended: %w", err)
	case <-stop:
		nginx.Process.Signal(syscall.SIGTERM)
		<-ended
		return nil
	}
}

// publish posts the events, each when the one before is answered.
func publish(addr string, interval time.Duration) {
	var conn net.Conn
	for { // until nginx listens
		var err error
		if conn, err = net.Dial("tcp", addr); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	answers := bufio.NewReader(conn)
	var request bytes.Buffer
	demo.Every(interval, func(_ int64, payload []byte) {
		request.Reset()
		fmt.Fprintf(&request, "POST /publish HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", addr, len(payload), payload)
		if _, err := conn.Write(request.Bytes()); err != nil {
			log.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			log.Fatal(err)
		}
		if answer.StatusCode/100 != 2 {
			log.Fatal(answer.Status)
		}
		io.Copy(io.Discard, answer.Body)
	})
}
