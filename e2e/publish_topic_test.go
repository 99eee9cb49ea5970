package e2e

import "testing"

func TestCurlPublishesToATopic(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	for version, start := range map[string]func(*testing.T, ...string) *server{"1.1": start, "2": startTLS} {
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
		client := trusting(t, version == "2")
		for _, test := range []struct{ query, data, want string }{
			{"?topic=mail/anna", "for Anna", "204"},
			{"?topic=mail%2Fanna&more", "for Anna again", "204"},
			{"?topic=news", "news", "204"},
			{"?topic=news&topic=mail/anna", "x", "400"},
			{"?topic=a%0Ab", "x", "400"},
			{"?topic=", "for all", "204"},
			{"", "for all again", "204"},
		} {
			got := curlStatus(t, "-H", "Authorization: Bearer "+secret, "--data-binary", test.data, s.url+"/events"+test.query)
			if want := version + " " + test.want; got != want {
				t.Errorf("%s: %s, want %s", test.query, got, want)
			}
		}
		for query, want := range map[string][]string{
			"":                                   {"for all", "for all again"},
			"?topic=mail/anna":                   {"for Anna", "for Anna again"},
			"?topic=news":                        {"news"},
			"?topic=news&topic=&topic=mail/anna": {"for Anna", "for Anna again", "news", "for all", "for all again"},
		} {
			subscribeWith(t, client, s.url+"/events"+query, "1").wantData(want...)
		}
	}
}
