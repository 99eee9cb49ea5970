// Nchan runs nginx with its nchan module, and publishes to it over one connection. Only
// nginx is measured.
package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
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
	log.SetFlags(0)
	version := flag.Bool("version", false, "print nginx's version and exit")
	addr, interval := demo.Flags()
	module, err := find()
	if err != nil {
		log.Fatal(err)
	}
	if *version {
		output, err := exec.Command("nginx", "-v").CombinedOutput()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(regexp.MustCompile(`nginx/[\d.]+`).FindString(string(output)))
		return
	}
	if err := run(module, addr, interval); err != nil {
		log.Fatal(err)
	}
}

// find finds nchan.
func find() (module string, err error) {
	for _, name := range modules {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", errors.New("nginx has no nchan module here (Debian: apt-get install nginx libnginx-mod-nchan)")
}

func run(module, addr string, interval time.Duration) error {
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
	nginx.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	if err := nginx.Start(); err != nil {
		return err
	}
	go publish(addr, interval)
	go func() {
		<-stop
		nginx.Process.Signal(syscall.SIGTERM)
	}()
	return nginx.Wait()
}

// publish posts the events, each when the one before is answered, until nginx ends.
func publish(addr string, interval time.Duration) {
	var conn net.Conn
	for conn == nil { // until nginx listens
		time.Sleep(10 * time.Millisecond)
		conn, _ = net.Dial("tcp", addr)
	}
	answers := bufio.NewReader(conn)
	var request bytes.Buffer
	err := demo.Every(interval, func(_ int64, payload []byte) error {
		request.Reset()
		fmt.Fprintf(&request, "POST /publish HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", addr, len(payload), payload)
		if _, err := conn.Write(request.Bytes()); err != nil {
			return err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if answer.StatusCode/100 != 2 {
			return errors.New(answer.Status)
		}
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	})
	log.Printf("publishing: %v", err)
}
