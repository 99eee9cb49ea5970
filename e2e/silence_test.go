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
	"slices"
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
	for _, test := range []struct {
		name        string
		flags, curl []string
	}{
		{"HTTP/1.1", nil, []string{"--http1.1"}},
		{"HTTPS, HTTP/1.1", []string{"-cert", cert, "-key", key}, []string{"--http1.1", "--insecure"}},
		{"HTTPS, HTTP/2", []string{"-cert", cert, "-key", key}, []string{"--http2", "--insecure"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ns, address := newNamespace(t)
			s := start(t, slices.Concat([]string{"-interval", "1h"}, test.flags)...)
			_, port, _ := net.SplitHostPort(s.addr)
			s.command = append(s.command, "-addr", ":"+port) // The last of equal flags counts.
			s.restart()
			scheme := "http"
			if test.flags != nil {
				scheme = "https"
			}
			curl := exec.Command("ip", slices.Concat([]string{"netns", "exec", ns, "curl", "--silent", "--no-buffer"},
				test.curl, []string{scheme + "://" + net.JoinHostPort(address, port) + "/events"})...)
			testkit.EndWithTest(curl)
			if err := curl.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				curl.Process.Kill()
				curl.Wait()
			})
			client := &http.Client{Timeout: testkit.Limit, Transport: &http.Transport{
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // The certificate is not what is tested here.
			}}
			clients := func() (n int64) {
				var figures stats
				if err := json.Unmarshal(testkit.Get(t, client, s.url+"/stats"), &figures); err != nil {
					t.Fatal(err)
				}
				return figures.Clients
			}
			testkit.Eventually(t, func() error {
				if n := clients(); n != 1 {
					return fmt.Errorf("%d clients are registered, want 1", n)
				}
				return nil
			})
			silent := time.Now()
			ip(t, "-n", ns, "addr", "flush", "dev", "eth")
			for clients() != 0 {
				if time.Since(silent) > silenceNoticed {
					t.Fatalf("the client is still registered after %v of silence", silenceNoticed)
				}
				time.Sleep(time.Second)
			}
			noticed := time.Since(silent)
			t.Logf("it was noticed after %v", noticed.Round(time.Second))
			if noticed < 10*time.Second {
				t.Errorf("after %v nobody can know: the client has left by itself", noticed)
			}
		})
	}
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
