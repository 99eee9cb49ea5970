package e2e

import (
	"fmt"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// silence is longer than any read timeout that a proxy is likely to have, such as nginx's of a minute and
// Debian's 50 s in HAProxy.
const silence = 100 * time.Second

// A proxy that does not tell at once that a client has left is written to, and tells then.
func TestProxiesKeepAStreamOverSilence(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
	var fronts []front
	for _, p := range proxies {
		here := false
		t.Run(p.name, func(t *testing.T) {
			p.need(t) // It skips this alone.
			here = true
		})
		if here {
			fronts = append(fronts, p.start(t, s)...)
		}
	}
	var stay, leave []*stream
	for _, f := range fronts {
		stay = append(stay, subscribeWith(t, f.client(), f.url+"/events", ""))
		if !f.noticesAtOnce() {
			leave = append(leave, subscribeWith(t, f.client(), f.url+"/events", ""))
		}
	}
	s.waitForClients(int64(len(stay) + len(leave)))
	begun := time.Now()
	for _, stream := range leave {
		stream.close()
	}
	testkit.EventuallyWithin(t, silence, func() error {
		if n := s.stats().Clients; n != int64(len(stay)) {
			return fmt.Errorf("%d clients are registered, want %d", n, len(stay))
		}
		return nil
	})
	t.Logf("%d clients that have left were all noticed after %v", len(leave), time.Since(begun).Round(time.Second))

	<-time.After(silence - time.Since(begun))
	s.publish("", "after the silence")
	for i, stream := range stay {
		if e := testkit.Receive(t, stream.events, "the event after the silence"); e.Data != "after the silence" {
			t.Errorf("%s: got %q, and the stream ended: %v", fronts[i].name, e.Data, stream.err)
		}
	}
}
