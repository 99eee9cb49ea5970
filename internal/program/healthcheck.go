package program

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthTimeout bounds how long CheckHealth waits for an answer.
const healthTimeout = 5 * time.Second

// CheckHealth asks the server that runs with the same options whether it is well. It is for containers, whose image has
// no other program that could ask. The error says why the server is not well, or that it does not answer.
func CheckHealth(o Options) error {
	network, addr := "tcp", o.Addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // The certificate is for the server's name, and this asks localhost.
		DisableKeepAlives: true,
	}
	url := "http://localhost/healthz"
	if o.Cert != "" {
		url = "https://localhost/healthz"
	}
	client := &http.Client{Transport: transport, Timeout: healthTimeout}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", response.Status)
	}
	return nil
}
