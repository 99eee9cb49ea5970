package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// silenceNoticed is how long the test waits. The README says a minute; without a timeout of its
// own the kernel takes a quarter of an hour.
const silenceNoticed = 4 * time.Minute

// A network can go silent: no FIN, no RST. Server and client are hosts of their own, in network
// namespaces, and the client's loses its address. This machine's own network does not change,
// which browsers would notice.
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
		"HTTP/1.1":        connectFromAfar(t, "http", "--http1.1"),
		"HTTPS, HTTP/1.1": connectFromAfar(t, "https", "--http1.1", https...),
		"HTTPS, HTTP/2":   connectFromAfar(t, "https", "--http2", https...),
	}
	silent := time.Now()
	for _, d := range all {
		ip(t, "-n", d.client, "addr", "flush", "dev", "eth")
	}
	for len(all) > 0 {
		for name, d := range all {
			figures, err := d.stats()
			clients := figures.Clients
			passed := time.Since(silent)
			switch {
			case err != nil:
				t.Fatalf("%s: %v", name, err)
			case clients == 0:
				t.Logf("%s: it was noticed after %v", name, passed.Round(time.Second))
				if figures.Disconnects["network_silent"] != 1 {
					t.Errorf("%s: the disconnects are %v", name, figures.Disconnects)
				}
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

// A distant is a server and its client, each in a network namespace of its own.
type distant struct {
	url            string
	server, client string // the namespaces
}

// connectFromAfar starts a server and a curl, and waits until that is registered.
func connectFromAfar(t *testing.T, scheme, version string, flags ...string) *distant {
	t.Helper()
	const addr = "10.0.0.1:8080"
	d := &distant{scheme + "://" + addr, newNamespace(t), newNamespace(t)}
	ip(t, "-n", d.server, "link", "add", "eth", "type", "veth", "peer", "name", "eth", "netns", d.client)
	for namespace, address := range map[string]string{d.server: "10.0.0.1/30", d.client: "10.0.0.2/30"} {
		ip(t, "-n", namespace, "addr", "add", address, "dev", "eth")
		ip(t, "-n", namespace, "link", "set", "eth", "up")
	}
	runIn := func(namespace string, command ...string) {
		t.Helper()
		run(t, command[0], exec.Command("ip", append([]string{"netns", "exec", namespace}, command...)...))
	}
	wait := func(want int64) {
		t.Helper()
		testkit.Eventually(t, func() error {
			if got, err := d.stats(); err != nil || got.Clients != want {
				return fmt.Errorf("%d clients are registered, want %d, %v", got.Clients, want, err)
			}
			return nil
		})
	}
	runIn(d.server, append([]string{binary, "-addr", addr, "-interval", never.String()}, flags...)...)
	wait(0)
	runIn(d.client, "curl", "--silent", "--no-buffer", "--insecure", version, d.url+"/events")
	wait(1)
	return d
}

// distantStats are those of the server's figures that tell of clients.
type distantStats struct {
	Clients     int64            `json:"clients"`
	Disconnects map[string]int64 `json:"disconnects"`
}

// stats returns what the server tells.
func (d *distant) stats() (figures distantStats, err error) {
	out, err := exec.Command("ip", "netns", "exec", d.server,
		"curl", "--silent", "--show-error", "--insecure", "--max-time", "45", d.url+"/stats").Output()
	if err != nil {
		return figures, fmt.Errorf("asking for /stats: %w", err)
	}
	err = json.Unmarshal(out, &figures)
	return figures, err
}

// newNamespace returns a network namespace that ends with the test. It has no other device than
// its loopback.
func newNamespace(t *testing.T) (name string) {
	t.Helper()
	name = fmt.Sprintf("sse-%06x", rand.IntN(1<<24))
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	ip(t, "-n", name, "link", "set", "lo", "up")
	return name
}

// ip runs iproute2's command.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}
