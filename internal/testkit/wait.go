// Package testkit holds what the tests of all modules share: waiting that always ends, a strict
// parser of event streams, and a watchdog that names a test which hangs.
//
// Nothing else does what the watchdog does. go test has a timeout for all tests together only (https://go.dev/issue/48157), and
// ends all of them with the one that hangs; libraries that look for goroutines, such as goleak, do so once a test has ended.
package testkit

import (
	"context"
	"io"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// Limit is how long a test waits for anything: for a condition, a message or an answer. It is
// no measure of speed, but tells a hang from a machine that is busy. It is below the watchdog's
// budget, so that a test that waits in vain says for what.
const Limit = 45 * time.Second

// Client is an HTTP client for requests whose whole answer comes at once. Each ends within
// Limit, body included.
var Client = &http.Client{Timeout: Limit}

// Eventually waits until try returns nil. After Limit it fails the test with try's last error. It
// tries less and less often, for what tries costs what is waited for the time.
func Eventually(t testing.TB, try func() error) {
	t.Helper()
	EventuallyWithin(t, Limit, try)
}

// EventuallyWithin is Eventually with a longer limit, for what has to be built or to start first.
// Its test needs a larger budget.
func EventuallyWithin(t testing.TB, limit time.Duration, try func() error) {
	t.Helper()
	pause := 2 * time.Millisecond
	for deadline := time.Now().Add(limit); ; pause = min(pause*3/2, 100*time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", limit, err)
		}
		time.Sleep(pause)
	}
}

// Receive returns what comes from a channel, or the zero value once the channel is closed. When
// nothing comes within Limit it fails the test, and what says what was expected.
func Receive[T any](t testing.TB, channel <-chan T, what string) T {
	t.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	select {
	case v := <-channel:
		return v
	case <-limit.C:
		t.Fatalf("not within %v: %s", Limit, what)
		panic("unreachable")
	}
}

// Return waits until a function has returned, such as the Wait of a sync.WaitGroup. When it has
// not within Limit, Return fails the test, and what says what was expected.
func Return(t testing.TB, wait func(), what string) {
	t.Helper()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		wait()
	}()
	Receive(t, returned, what)
}

// EndWithTest has a process that is about to be started end when the test binary ends, however
// that comes; that takes Linux. Wait, once the process has ended, does not wait for ever for what
// the process has started itself and left behind.
func EndWithTest(cmd *exec.Cmd) {
	endWithParent(cmd)
	cmd.WaitDelay = 5 * time.Second
}

// Get returns the body of the answer to a GET request. It fails the test unless the answer has
// status 200 and is complete within Limit.
func Get(t testing.TB, client *http.Client, url string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %.200s", url, response.Status, err, body)
	}
	return body
}

// StreamClient returns an HTTP client for streams, which waits for a response's header for Limit
// at most, and for its body as long as the test reads it. It changes the transport.
func StreamClient(transport *http.Transport) *http.Client {
	transport.ResponseHeaderTimeout = Limit
	return &http.Client{Transport: transport}
}
