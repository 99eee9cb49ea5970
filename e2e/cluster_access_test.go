package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// checkSecret fails the test where a server has told the secret.
func checkSecret(t *testing.T, s *server) {
	t.Helper()
	if strings.Contains(s.output(), secret) {
		t.Errorf("the log tells the secret:\n%s", s.output())
	}
	if stats := string(testkit.Get(t, testkit.Client, s.url+"/stats")); strings.Contains(stats, secret) {
		t.Errorf("/stats tells the secret: %s", stats)
	}
}

// configFile writes a nats-server's configuration.
func configFile(t *testing.T, content string) (path string) {
	t.Helper()
	return newFile(t, "nats.conf", content)
}

func TestNATSWantsAPassword(t *testing.T) {
	t.Parallel()
	n := startNATS(t, "-c", configFile(t, "authorization { user: me, password: "+secret+" }"))
	s := n.as("me:"+secret).serve("-interval", "100ms")
	subscribe(t, s.url+"/events", "").next()
	n.stop()
	s.waitForOutput("connection lost")
	checkSecret(t, s)
}

func TestNATSWantsAToken(t *testing.T) {
	t.Parallel()
	n := startNATS(t, "-c", configFile(t, "authorization { token: "+secret+" }"))
	s := n.as(secret).serve("-interval", "100ms")
	subscribe(t, s.url+"/events", "").next()
	checkSecret(t, s)
}

// A NATS client gives up after the same authorization error twice, unless told otherwise.
func TestWrongPasswordMayBeRightLater(t *testing.T) {
	t.Parallel()
	config := configFile(t, "authorization { user: me, password: another }")
	n := startNATS(t, "-c", config)
	s := start(t, "-nats", n.as("me:"+secret).client, "-interval", "100ms")
	refused := func() int { return strings.Count(strings.ToLower(s.output()), "authorization violation") }
	testkit.Eventually(t, func() error {
		if refused() == 0 {
			return errors.New("no line tells of the wrong password")
		}
		return nil
	})
	time.Sleep(3 * time.Second) // in which it tries again, and may not repeat itself
	if code := s.status(); code != http.StatusServiceUnavailable {
		t.Errorf("/healthz says %d", code)
	}
	if got := refused(); got > 2 {
		t.Errorf("%d lines tell of the wrong password", got)
	}
	write(t, config, "authorization { user: me, password: "+secret+" }")
	n.signal(syscall.SIGHUP)
	s.waitForStatus(http.StatusOK)
	checkSecret(t, s)
}

func TestServerThatMayOnlyReadShowsTheEvents(t *testing.T) {
	t.Parallel()
	n := startNATS(t, "-c", configFile(t, `authorization { users: [
		{ user: all, password: all },
		{ user: reader, password: `+secret+`, permissions: { publish: { deny: "sse.events" } } },
	] }`))
	js := jetStream(t, n.as("all:all").client)
	s := n.as("reader:"+secret).serve("-interval", "100ms")
	shown := subscribeLive(t, s)
	time.Sleep(time.Second)
	want := publish(t, js, "from another")
	if id, _ := shown.next(); id != want {
		t.Errorf("got %d, want %d", id, want)
	}
	var lines []string
	for line := range strings.Lines(s.output()) {
		if strings.Contains(strings.ToLower(line), "permissions violation") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "NATS: ") {
		t.Errorf("%d lines tell that publishing is forbidden: %q", len(lines), lines)
	}
	checkSecret(t, s)
}

func TestNATSWantsTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	n := startNATS(t, "-c", configFile(t, fmt.Sprintf("tls { cert_file: %q, key_file: %q }", cert, key)))
	// The system's certificate store, as Go finds it.
	trust := []string{"env", "SSL_CERT_FILE=" + cert, binary}
	s := startCommand(t, trust, "-nats", strings.Replace(n.client, "nats://", "tls://", 1), "-interval", "100ms")
	s.waitForStatus(http.StatusOK)
	subscribe(t, s.url+"/events", "").next()

	doubtful := start(t, "-nats", strings.Replace(n.client, "nats://", "tls://me:"+secret+"@", 1))
	doubtful.waitForOutput("certificate")
	if code := doubtful.status(); code != http.StatusServiceUnavailable {
		t.Errorf("/healthz says %d", code)
	}
	checkSecret(t, doubtful)
}

func TestAnyOfSeveralURLsWillDo(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	urls := fmt.Sprintf("nats://%s,%s, %s", testkit.FreeAddr(t), testkit.FreeAddr(t), n.client)
	s := startServers(t, 1, "-nats", urls, "-interval", "100ms")[0]
	subscribe(t, s.url+"/events", "").next()
}

func TestBadNATSFlagsEndInOneLineWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]string{
		{"-nats", "nats://me:" + secret + "@host:port"},
		{"-nats", "nats://me:" + secret + "%zz@host:4222"},
		{"-nats", "nats://me:" + secret + " @host:4222"},
		{"-nats", "nats://me:" + secret + "/@host:4222"},
		{"-nats", "nats://me:123/" + secret + "@host:4222"},
		{"-nats", "nats://me:" + secret + "@"},
		{"-nats", "http://me:" + secret + "@host:4222"},
		{"-nats", "nats://host:4222,nats://me:" + secret + "#@host:4222"},
		{"-nats", "ws://me:" + secret + "@a,nats://b"},
		{"-nats", "nats://me:" + secret + "@host:4222", "-nats-creds", "no such file"},
		{"-nats", "nats://me:" + secret + "@host:4222", "-nats-replicas", "0"},
	} {
		line := refusal(t, 2, "", exec.CommandContext(limited(t), binary, append([]string{"-addr", testkit.FreeAddr(t)}, bad...)...))
		if !strings.Contains(line, "-nats") {
			t.Errorf("%q: printed %q", bad, line)
		}
	}
}
