// Proxied runs this project's server, and in front of it nginx as the README has it. It is
// told the server's binary by the environment variable SERVER.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"example.com/sse/bench/rivals/demo"
)

//go:embed nginx.conf
var conf string

func main() {
	log.SetFlags(0)
	version := flag.Bool("version", false, "print nginx's version and exit")
	f := demo.Parse()
	if *version {
		v, err := demo.NginxVersion()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v)
		return
	}
	if err := run(f); err != nil {
		log.Fatal(err)
	}
}

func run(f demo.Flags) error {
	upstream, err := demo.FreeAddr()
	if err != nil {
		return err
	}
	server, err := demo.Start(os.Getenv("SERVER"), "-addr", upstream.String(), "-interval", f.Interval.String())
	if err != nil {
		return err
	}
	defer server.Wait()
	defer server.Process.Signal(syscall.SIGTERM)
	for limit := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", upstream.String())
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(limit) {
			return err
		}
	}
	return f.RunNginx(conf, map[string]string{"upstream": upstream.String()})
}
