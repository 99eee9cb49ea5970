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
	if status, line := postEvent(t.Context(), testkit.Client, s, "absent"); status != http.StatusServiceUnavailable ||
		strings.Contains(line, "even so") || strings.Count(line, "\n") != 1 {
		t.Errorf("NATS is absent: %d %q", status, line)
	}
	n.restart()
	waitUntilReady(t, s)
	waitUntilReady(t, other)
	if status, line := postEvent(t.Context(), testkit.Client, s, "there"); status != http.StatusNoContent {
		t.Errorf("NATS is there: %d %q", status, line)
	}
	freeze(t, n)
	if status, line := postEvent(t.Context(), testkit.Client, s, "frozen"); status != http.StatusServiceUnavailable ||
		!strings.Contains(line, "even so") || strings.Count(line, "\n") != 1 {
		t.Errorf("NATS is frozen: %d %q", status, line)
	}
	n.signal(syscall.SIGCONT)
	testkit.Eventually(t, func() error {
		if status, line := postEvent(t.Context(), testkit.Client, s, "back"); status != http.StatusNoContent {
			return fmt.Errorf("NATS is back: %d %q", status, line)
		}
		return nil
	})
	for _, s := range []*server{s, other} {
		events := readEvents(t, s.url)
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
