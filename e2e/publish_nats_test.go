package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestPostThroughNATSAbsentFrozenAndBack(t *testing.T) {
	t.Parallel()
	n := newNATS(t)
	token := tokenFile(t)
	flags := []string{"-nats", n.client, "-interval", "24h", "-publish-token-file", token}
	s, other := start(t, flags...), start(t, flags...)
	if a := s.post(post{data: "absent"}); a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "even so") || strings.Count(a.body, "\n") != 1 {
		t.Errorf("NATS is absent: %v", a)
	}
	n.restart()
	s.waitForStatus(http.StatusOK)
	other.waitForStatus(http.StatusOK)
	s.publish("", "there")
	freeze(t, n)
	if a := s.post(post{data: "frozen"}); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "even so") || strings.Count(a.body, "\n") != 1 {
		t.Errorf("NATS is frozen: %v", a)
	}
	n.signal(syscall.SIGCONT)
	testkit.Eventually(t, func() error {
		if a := s.post(post{data: "back"}); a.status != http.StatusNoContent {
			return fmt.Errorf("NATS is back: %v", a)
		}
		return nil
	})
	for _, s := range []*server{s, other} {
		events := subscribe(t, s.url+"/events", "1").events
		for seen := make(map[string]int); seen["back"] == 0; {
			e := testkit.Receive(t, events, "an event that was published")
			if seen[e.Data]++; e.Data == "absent" || e.Data != "back" && seen[e.Data] > 1 {
				t.Errorf("%q came %d times", e.Data, seen[e.Data])
			}
			if e.Data == "back" && seen["there"] != 1 {
				t.Errorf("what was published is missing: %v", seen)
			}
		}
	}
}
