package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// balance starts HAProxy in front of servers, whose health it asks for as docs/service.md says, but more often, and
// returns its address.
func balance(t *testing.T, servers []*server) string {
	t.Helper()
	need(t, "haproxy", "apt-get install haproxy")
	for _, option := range []string{"option httpchk GET /healthz", "check inter 1s fall 2"} {
		if !strings.Contains(read(t, "../docs/service.md"), option) {
			t.Errorf("docs/service.md does not say %s", option)
		}
	}
	addr := testkit.FreeAddr(t)
	config := "defaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 50s\n\ttimeout server 50s\n" +
		"listen sse\n\tbind " + addr + "\n\tbalance roundrobin\n\tretries 20\n\toption httpchk GET /healthz\n"
	for i, s := range servers {
		config += fmt.Sprintf("\tserver s%d %s check inter 200ms fall 2 rise 1\n", i, s.addr)
	}
	run(t, "haproxy", exec.Command("haproxy", "-db", "-f", newFile(t, "haproxy.cfg", config)))
	waitForOK(t, "http://"+addr+"/healthz")
	return addr
}

// A server that drains is left by its clients, who reconnect once to the other one and miss nothing; the other
// one's clients feel nothing at all.
func TestDrainBehindALoadBalancerIsFeltByNobody(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "100ms", "-drain", "6s")
	addr := balance(t, servers)
	const clients = 40
	fs := followers(t, clients, "http://"+addr+"/events")
	for _, s := range servers {
		if got := s.stats().Clients; got == 0 {
			t.Fatalf("%s has no clients", s.url)
		}
	}
	moving := servers[0].stats().Clients
	servers[0].stop()
	servers[1].waitForClients(clients)
	opened := 0
	for i, f := range fs {
		before := f.got()
		testkit.Eventually(t, func() error { // It gets live events.
			if got := f.got(); len(got) < len(before)+5 {
				return fmt.Errorf("follower %d has %d events", i, len(got))
			}
			return nil
		})
		ids := f.got()
		for j := 1; j < len(ids); j++ {
			if ids[j] != ids[j-1]+1 {
				t.Errorf("follower %d got event %d after %d", i, ids[j], ids[j-1])
			}
		}
		f.mu.Lock()
		if f.err != nil {
			t.Errorf("follower %d: %v", i, f.err)
		}
		f.mu.Unlock()
		opened += f.timesOpened()
	}
	// A client that reconnects before HAProxy has noticed may come to the server that stops once more.
	if most := clients + 2*int(moving); opened > most {
		t.Errorf("%d streams were opened for %d clients, of which %d had to move", opened, clients, moving)
	}
	t.Logf("%d streams were opened for %d clients, of which %d had to move", opened, clients, moving)
}
