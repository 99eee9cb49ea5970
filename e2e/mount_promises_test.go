package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// eachMount runs a test for each framework, protocol and middleware, without any, and with all that let
// a stream through.
func eachMount(t *testing.T, test func(t *testing.T, f framework, p protocol, use []middleware)) {
	for _, f := range goFrameworks {
		for _, p := range protocols {
			run := func(name string, use ...middleware) {
				t.Run(fmt.Sprintf("%s/%s/%s", f.name, p.name, name), func(t *testing.T) {
					t.Parallel()
					test(t, f, p, use)
				})
			}
			run("nothing")
			var all []middleware
			for _, m := range append(slices.Clip(f.middleware), around...) {
				run(m.name, m)
				if m.lacks == "" {
					all = append(all, m)
				}
			}
			run("all", all...)
		}
	}
}

func TestMountedBrokerKeepsItsPromises(t *testing.T) {
	t.Parallel()
	eachMount(t, func(t *testing.T, f framework, p protocol, use []middleware) {
		a := mount(t, f, p, use)
		if writer := lacking(use, p.major); writer != "" {
			a.refuses(t, writer)
			return
		}
		a.publish(t, "before")
		live := subscribeWith(t, a.client, a.url+"/events", "")
		if live.resp.ProtoMajor != p.major || p.name != "HTTP" && p.name != "H2C" && live.resp.TLS.Version < tls.VersionTLS12 {
			t.Errorf("it speaks %s", live.resp.Proto)
		}
		decided := subscribeWith(t, a.client, a.url+"/decided", "0")
		a.waitForClients(t, 2)

		// At once: nothing comes after an event that would push it out.
		var first int64
		for i, want := range []string{"one", "two"} {
			a.publish(t, want)
			id, data := live.next()
			if data != want {
				t.Fatalf("got %q, want %q", data, want)
			}
			if i == 0 {
				first = id
			}
		}
		resumed := subscribeWith(t, a.client, a.url+"/decided", fmt.Sprint(first))
		resumed.wantData("two")
		decided.wantData("before", "one", "two")
		resumed.close()
		a.waitForClients(t, 2)
		a.waitForEnded(t, 1)

		a.publish(t, "last")
		shutdown(t, a.broker)
		for _, s := range []*stream{live, decided} {
			if err := s.end(); err != io.EOF {
				t.Errorf("the stream ended with %v", err)
			}
			var last string
			for e := range s.events {
				last = e.Data
			}
			if last != "last" {
				t.Errorf("the last event was %q", last)
			}
		}
		a.waitForEnded(t, 2)
		a.complainsOfNothing(t, use)
	})
}

// refuses looks at what clients get where streaming is impossible.
func (a *mountedApp) refuses(t *testing.T, writer string) {
	t.Helper()
	resp, err := a.client.Get(a.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusHTTPVersionNotSupported || !strings.Contains(string(body), writer) || err != nil {
		t.Errorf("got %s, %q, %v; want 505 and a line that names %s", resp.Status, body, err, writer)
	}
	if n := a.broker.Stats().ClientsTotal; n != 0 {
		t.Errorf("%d clients were registered", n)
	}
	a.publish(t, "one")
	a.complainsOfNothing(t, nil)
}

// complainsOfNothing looks at what the server and the framework have logged, but for what a middleware
// that writes to a connection which is not its own any more is known for.
func (a *mountedApp) complainsOfNothing(t *testing.T, use []middleware) {
	t.Helper()
	writes := false
	for _, m := range use {
		writes = writes || m.writes
	}
	for line := range strings.Lines(a.errors.String()) {
		if !writes || !strings.Contains(line, "http: response.Write on hijacked connection") {
			t.Errorf("the log says %q", line)
		}
	}
}
