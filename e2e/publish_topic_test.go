package e2e

import (
	"context"
	"os/exec"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestCurlPublishesToATopic(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	cert, key := certificate(t)
	for version, flags := range map[string][]string{"1.1": nil, "2": {"-cert", cert, "-key", key}} {
		s := start(t, append(flags, "-interval", never.String(), "-publish-token-file", tokenFile(t))...)
		client := streaming
		if flags != nil {
			client = trusting(t, cert, true)
		}
		for _, test := range []struct{ query, data, want string }{
			{"?topic=mail/anna", "for Anna", "204"},
			{"?topic=mail%2Fanna&more", "for Anna again", "204"},
			{"?topic=news", "news", "204"},
			{"?topic=news&topic=mail/anna", "x", "400"},
			{"?topic=a%0Ab", "x", "400"},
			{"?topic=", "for all", "204"},
			{"", "for all again", "204"},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
			out, err := exec.CommandContext(ctx, "curl", "-s", "-S", "--insecure", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
				"-H", "Authorization: Bearer swordfish", "--data-binary", test.data, s.url+"/events"+test.query).CombinedOutput()
			cancel()
			if want := version + " " + test.want; err != nil || string(out) != want {
				t.Errorf("%s: %s, %v, want %s", test.query, out, err, want)
			}
		}
		for query, want := range map[string][]string{
			"":                                   {"for all", "for all again"},
			"?topic=mail/anna":                   {"for Anna", "for Anna again"},
			"?topic=news":                        {"news"},
			"?topic=news&topic=&topic=mail/anna": {"for Anna", "for Anna again", "news", "for all", "for all again"},
		} {
			all := subscribeWith(t, client, s.url+"/events"+query, "1")
			for _, data := range want {
				if _, got := all.next(); got != data {
					t.Errorf("HTTP/%s, /events%s: got %q, want %q", version, query, got, data)
				}
			}
		}
	}
}
