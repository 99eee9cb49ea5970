// Nchan runs nginx with its nchan module, and publishes to it over one connection. Only
// nginx is measured.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

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
	f := demo.Parse()
	module, err := find()
	if err != nil {
		log.Fatal(err)
	}
	if *version {
		v, err := demo.NginxVersion()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v)
		return
	}
	go publish(f)
	if err := f.RunNginx(conf, map[string]string{"module": module}); err != nil {
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

// publish posts the events, each when the one before is answered, until nginx ends.
func publish(f demo.Flags) {
	if err := demo.WaitForNginx(os.Getpid()); err != nil {
		log.Fatal(err)
	}
	conn, err := dial(f)
	if err != nil {
		log.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	var request bytes.Buffer
	err = demo.Every(f.Interval, func(_ int64, payload []byte) error {
		request.Reset()
		fmt.Fprintf(&request, "POST /publish HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", f.Addr, len(payload), payload)
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

// dial connects to nginx. The publisher costs nothing that is measured, and trusts whoever
// listens.
func dial(f demo.Flags) (net.Conn, error) {
	if f.Cert == "" {
		return net.Dial("tcp", f.Addr)
	}
	return tls.Dial("tcp", f.Addr, &tls.Config{InsecureSkipVerify: true})
}
