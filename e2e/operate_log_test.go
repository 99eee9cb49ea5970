package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// Whoever collects the log gets an object a line, whatever logs it: the program, the broker, net/http and NATS's client.
func TestLogInJSONIsAnObjectALineWithFiguresAsNumbers(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-log", "json", "-nats", "nats://"+testkit.FreeAddr(t))
	stream := subscribeWith(t, trusting(t, false), s.url+"/events", "")
	conn := dial(t, s)
	conn.Write([]byte("no TLS\n")) // net/http's error
	conn.Close()
	stream.close()
	s.waitForOutput("handshake error", "Removed client", "NATS: ")
	s.stop()
	levels := make(map[string]string)
	for text := range strings.Lines(s.output()) {
		var line struct {
			Time           time.Time
			Level, Message string
			URL            string
			Clients        *int
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Time.IsZero() || line.Level == "" || line.Message == "" {
			t.Errorf("%q: %v", text, err)
		}
		first, _, _ := strings.Cut(line.Message, " ")
		levels[first] = line.Level
		if strings.HasSuffix(line.Message, " registered clients") && line.Clients == nil {
			t.Errorf("no figure in %s", text)
		}
		if first == "Now" && line.URL != s.url {
			t.Errorf("the first line is %s", text)
		}
	}
	for first, want := range map[string]string{"Now": "info", "Client": "info", "Removed": "warn", "http:": "error"} {
		if levels[first] != want {
			t.Errorf("the level of a line that begins with %q is %q, want %q", first, levels[first], want)
		}
	}
}

// What docs/operating.md says quiets the clients that leave.
func TestDocumentedFilterQuietsClientsThatLeave(t *testing.T) {
	t.Parallel()
	filter := `grep --line-buffered -v 'Removed client'`
	if !strings.Contains(read(t, "../docs/operating.md"), filter) {
		t.Errorf("docs/operating.md does not say %s", filter)
	}
	cmd := exec.Command("sh", "-c", filter)
	cmd.Stdin = strings.NewReader("[INFO] a\n[WARN] 2026/11/26 20:00:00 Removed client. 0 registered clients\n[WARN] b\n")
	if out, err := cmd.Output(); err != nil || string(out) != "[INFO] a\n[WARN] b\n" {
		t.Errorf("%q, %v", out, err)
	}
}
