package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// What the compose file says in its servers' environment makes servers that speak as one.
func TestComposeFileMakesServersThatSpeakAsOne(t *testing.T) {
	t.Parallel()
	file := read(t, "../dist/compose.yaml")
	url := startNATS(t).client
	var settings []string
	for _, m := range regexp.MustCompile(`(?m)^    (SSE_[A-Z_]+): (\S+)$`).FindAllStringSubmatch(file, -1) {
		settings = append(settings, m[1]+"="+strings.ReplaceAll(m[2], "nats://nats:4222", url))
	}
	if len(settings) < 3 || !strings.Contains(strings.Join(settings, " "), url) {
		t.Fatalf("the settings are %q", settings)
	}
	var streams []*stream
	for range regexp.MustCompile(`(?m)^  sse\d:\n    <<: \*server$`).FindAllString(file, -1) {
		s := startCommand(t, append(append([]string{"env"}, settings...), binary), "-interval", "100ms")
		s.waitForStatus(http.StatusOK)
		streams = append(streams, subscribe(t, s.url+"/events", ""))
	}
	if len(streams) != 3 {
		t.Fatalf("the file has %d servers", len(streams))
	}
	newest, _ := streams[2].next()
	for _, stream := range streams[:2] {
		if got := stream.upTo(newest); got > newest {
			t.Errorf("one has event %d, another has not", newest)
		}
	}
}
