package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// silenceNoticed is how long the test waits. The README says a minute; without a timeout of its
// own the kernel takes a quarter of an hour.
const silenceNoticed = 4 * time.Minute

// A network can go silent: no FIN, no RST. The client is a host of its own, in a network
// namespace, which loses its address.
func TestClientWhoseNetworkGoesSilentIsUnregistered(t *testing.T) {
	t.Parallel()
	need(t, "ip", "apt-get install iproute2")
	need(t, "curl", "apt-get install curl")
	if os.Getuid() != 0 {
		t.Skip("network namespaces take root")
	}
	cert, key := certificate(t)
	https := []string{"-cert", cert, "-key", key}
	all := map[string]*distant{
		"HTTP/1.1":        connectFromAfar(t, nil, "--http1.1"),
		"HTTPS, HTTP/1.1": connectFromAfar(t, https, "--http1.1"),
		"HTTPS, HTTP/2":   connectFromAfar(t, https, "--http2"),
	}
	silent := time.Now()
	for _, d := range all {
		ip(t, "-n", d.namespace, "addr", "flush", "dev", "eth")
	}
	for len(all) > 0 {
		for name, d := range all {
			passed := time.Since(silent)
			switch {
			case d.clients(t) == 0:
				t.Logf("%s: it was noticed after %v", name, passed.Round(time.Second))
				if passed < 10*time.Second {
					t.Errorf("%s: after %v nobody can know: the client has left by itself", name, passed)
				}
				delete(all, name)
			case passed > silenceNoticed:
				t.Fatalf("%s: the client is still registered after %v of silence", name, passed)
			}
		}
		time.Sleep(time.Second)
	}
}

// A distant is a server with a client in a network namespace.
type distant struct {
	namespace string
	server    *server
}

// connectFromAfar starts a server and a curl in a network namespace, and waits until that is
// registered.
func connectFromAfar(t *testing.T, flags []string, version string) *distant {
	t.Helper()
	namespace, address := newNamespace(t)
	d := &distant{namespace, start(t, append([]string{"-interval", "1h"}, flags...)...)}
	_, port, _ := net.SplitHostPort(d.server.addr)
	d.server.command = append(d.server.command, "-addr", ":"+port) // The last of equal flags counts.
	d.server.restart()
	scheme, _, _ := strings.Cut(d.server.url, ":")
	curl := exec.Command("ip", "netns", "exec", namespace, "curl", "--silent", "--no-buffer", "--insecure",
		version, scheme+"://"+net.JoinHostPort(address, port)+"/events")
	testkit.EndWithTest(curl)
	if err := curl.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		curl.Process.Kill()
		curl.Wait()
	})
	testkit.Eventually(t, func() error {
		if n := d.clients(t); n != 1 {
			return fmt.Errorf("%d clients are registered, want 1", n)
		}
		return nil
	})
	return d
}

// clients returns how many clients are registered.
func (d *distant) clients(t *testing.T) int64 {
	t.Helper()
	client := &http.Client{Timeout: testkit.Limit, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // The certificate is not what is tested here.
	}}
	var figures stats
	if err := json.Unmarshal(testkit.Get(t, client, d.server.url+"/stats"), &figures); err != nil {
		t.Fatal(err)
	}
	return figures.Clients
}

// newNamespace returns a network namespace with a device eth, and the address by which this
// machine is reached from there. Both end with the test.
func newNamespace(t *testing.T) (name, address string) {
	t.Helper()
	id := fmt.Sprintf("%06x", rand.IntN(1<<24))
	name = "sse-" + id
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	ip(t, "link", "add", "sse"+id, "type", "veth", "peer", "name", "eth", "netns", name)
	net := fmt.Sprintf("10.%d.%d.", 64+rand.IntN(64), rand.IntN(256))
	ip(t, "addr", "add", net+"1/30", "dev", "sse"+id)
	ip(t, "link", "set", "sse"+id, "up")
	ip(t, "-n", name, "addr", "add", net+"2/30", "dev", "eth")
	ip(t, "-n", name, "link", "set", "eth", "up")
	return name, net + "1"
}

// ip runs iproute2's command.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}
