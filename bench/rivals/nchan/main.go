// Nchan runs nginx with its nchan module, and publishes to it over one connection. Only
// nginx is measured.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
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
	poster, err := demo.NewPoster(f.Addr, f.Cert != "")
	if err != nil {
		log.Fatal(err)
	}
	err = f.Publish(func(topic string, _ int64, payload []byte) error {
		_, err := poster.Post("/publish?topic="+topic, payload)
		return err
	})
	log.Printf("publishing: %v", err)
}
