package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// A try is a request's token, or what is meant to be one, and what a server says of it.
type try struct {
	name   string
	header []string
	status int
	line   string // what the line begins with; it is empty where the token is good
	reason string // as it is counted
}

func bearerOf(token string) []string { return []string{"Authorization: Bearer " + token} }

// triesOfASecret are tries with a server that has the tests' secret and the cookie "sse". The good ones may read mail/anna
// and publish to it.
func triesOfASecret() []try {
	now := time.Now().Unix()
	const (
		head  = `{"alg":"HS256","typ":"JWT"}`
		right = `"sse":{"subscribe":["mail/anna"],"publish":["mail/anna"]}}`
	)
	good := signed(head, fmt.Sprintf(`{"exp":%d,%s`, now+3600, right), swordfish)
	claims := func(format string, args ...any) []string {
		return bearerOf(signed(head, fmt.Sprintf(format, args...), swordfish))
	}
	unsigned := strings.Split(signed(`{"alg":"none"}`, fmt.Sprintf(`{"exp":%d,%s`, now+3600, right), swordfish), ".")
	return []try{
		{"good", bearerOf(good), 200, "", ""},
		{"good, in the cookie", []string{"Cookie: a=b; sse=" + good}, 200, "", ""},
		{"unknown claims", claims(`{"exp":%d,"sub":"anna","more":[{}],"mercure":{"subscribe":["*"]},%s`, now+3600, right), 200, "", ""},
		{"topics that are named twice", claims(`{"exp":%d,"sse":{"subscribe":["mail/anna","mail/*","mail/anna"],"publish":["mail/anna","mail/anna"]}}`, now+3600), 200, "", ""},
		{"valid since a moment", claims(`{"exp":%d,"nbf":%d,%s`, now+3600, now, right), 200, "", ""},
		{"no token", nil, 401, "a token is needed", "no_token"},
		{"another scheme", []string{"Authorization: Basic YTpi"}, 401, "a token is needed", "no_token"},
		{"another cookie", []string{"Cookie: SSE=" + good}, 401, "a token is needed", "no_token"},
		{"alg none", bearerOf(unsigned[0] + "." + unsigned[1] + "."), 401, "the token is ", "wrong_key"},
		{"alg none, and signed", bearerOf(strings.Join(unsigned, ".")), 401, "the token is ", "wrong_key"},
		{"another secret", bearerOf(signed(head, fmt.Sprintf(`{"exp":%d,%s`, now+3600, right), swordfish+"x")), 401, "the token is signed by none", "wrong_key"},
		{"expired", claims(`{"exp":%d,%s`, now-1, right), 401, "the token has expired", "expired"},
		{"not yet valid", claims(`{"exp":%d,"nbf":%d,%s`, now+7200, now+3600, right), 401, "the token is not valid yet", "not_yet_valid"},
		{"no exp", claims(`{%s`, right), 401, "the token has no exp", "claims"},
		{"exp as text", claims(`{"exp":"%d",%s`, now+3600, right), 401, "the token's exp", "claims"},
		{"a claim twice", claims(`{"exp":%d,"exp":%d,%s`, now-3600, now+3600, right), 401, "the token's claims", "claims"},
		{"no token at all", bearerOf("swordfish"), 401, "the token is not a JSON Web Token", "malformed"},
		{"an empty token", []string{"Authorization: Bearer"}, 401, "the token is not a JSON Web Token", "malformed"},
		{"9 KiB", claims(`{"exp":%d,"pad":%q,%s`, now+3600, strings.Repeat("x", 6<<10), right), 401, "the token is longer", "malformed"},
		{"two tokens", append(bearerOf(good), bearerOf(good)...), 400, "the request has two tokens", "two_tokens"},
		{"two tokens, one in the cookie", append(bearerOf(good), "Cookie: sse="+good), 400, "the request has two tokens", "two_tokens"},
		{"two cookies", []string{"Cookie: sse=" + good + "; sse=" + good}, 400, "the request has two tokens", "two_tokens"},
		{"no rights", claims(`{"exp":%d}`, now+3600), 403, "the token may not", "no_right"},
		{"another topic's", claims(`{"exp":%d,"sse":{"subscribe":["mail/bert"],"publish":["mail/bert"]}}`, now+3600), 403, "the token may not", "no_right"},
		{"a topic that begins alike", claims(`{"exp":%d,"sse":{"subscribe":["mail/ann","mail/anna/*","mail"],"publish":["mail/ann"]}}`, now+3600), 403, "the token may not", "no_right"},
		{"what is no pattern", claims(`{"exp":%d,"sse":{"subscribe":["*","mail*","mail/ann*","/*"],"publish":["*"]}}`, now+3600), 403, "the token may not", "no_right"},
		{"another claim", claims(`{"exp":%d,"subscribe":["mail/anna"],"publish":["mail/anna"]}`, now+3600), 403, "the token may not", "no_right"},
	}
}

// triesOfAKey are tries with a server that has a public key.
func triesOfAKey(t *testing.T, private, public string) []try {
	t.Helper()
	pem := read(t, public)
	other, _ := keyPair(t, "ed25519")
	claims := claimsOf(time.Now().Unix()+3600, "mail/anna")
	return []try{
		{"good", bearerOf(makeToken(t, private, "-subscribe", "mail/anna", "-publish", "mail/anna")), 200, "", ""},
		{"the public key as a secret", bearerOf(signed(`{"alg":"HS256"}`, claims, pem)), 401, "the token is signed by none", "wrong_key"},
		{"the public key as a secret, without its last line break", bearerOf(signed(`{"alg":"HS256"}`, claims, strings.TrimSpace(pem))), 401, "the token is signed by none", "wrong_key"},
		{"the public key as a secret, and its own algorithm", bearerOf(signed(`{"alg":"EdDSA"}`, claims, pem)), 401, "the token is signed by none", "wrong_key"},
		{"another key", bearerOf(makeToken(t, other, "-subscribe", "mail/anna", "-publish", "mail/anna")), 401, "the token is signed by none", "wrong_key"},
	}
}

// curlOnce returns the status and the body of the answer that curl gets.
func curlOnce(t *testing.T, header []string, args ...string) (status, body string) {
	t.Helper()
	args = append(args, "--write-out", "\n%{http_code}")
	for _, line := range header {
		args = append(args, "--header", line)
	}
	out, err := curl(t, args...)
	if err != nil {
		t.Fatalf("curl %q: %v", args, err)
	}
	at := strings.LastIndexByte(out, '\n')
	return out[at+1:], out[:at]
}

func TestCurlIsToldWhyItsTokenWillNotDo(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	private, public := keyPair(t, "ed25519")
	for file, tries := range map[string][]try{secretFile(t): triesOfASecret(), public: triesOfAKey(t, private, public)} {
		for _, start := range starters {
			s := start(t, "-interval", never.String(), "-jwt-key-file", file, "-jwt-cookie", "sse")
			address := s.url + "/events?topic=mail/anna"
			want := make(map[string]int64)
			published := int64(0)
			for _, try := range tries {
				if try.status == 200 {
					if status, _ := curlOnce(t, try.header, "-I", address); status != "200" {
						t.Errorf("%s, %s: HEAD is answered %s", s.url, try.name, status)
					}
					header := append([]string{"Origin: " + s.url}, try.header...) // for publishing by cookie
					if status, line := curlOnce(t, header, "--data-binary", "hello", address); status != "204" {
						t.Errorf("%s, %s: POST is answered %s %s", s.url, try.name, status, line)
					}
					published++
					continue
				}
				want[try.reason] += 2
				for _, args := range [][]string{{address}, {"--data-binary", "hello", "-H", "Origin: " + s.url, address}} {
					status, line := curlOnce(t, try.header, args...)
					if status != fmt.Sprint(try.status) || !strings.HasPrefix(line, try.line) || strings.Count(line, "\n") != 1 {
						t.Errorf("%s, %s: %q is answered %s %q, want %d %s", s.url, try.name, args, status, line, try.status, try.line)
					}
				}
			}
			if !s.isTLS() { // Over HTTP/2 the connection ends.
				if status, _ := curlOnce(t, bearerOf(strings.Repeat("x", 20<<10)), address); status != "431" {
					t.Errorf("more than a request's header may have: %s", status)
				}
			}
			token := strings.TrimPrefix(tries[0].header[0], "Authorization: Bearer ")
			for _, name := range []string{"access_token", "token", "jwt", "sse", "authorization", "Authorization"} {
				if status, _ := curlOnce(t, nil, address+"&"+name+"="+token); status != "401" {
					t.Errorf("%s, a token in the URL as %s: %s", s.url, name, status)
				}
				want["no_token"]++
			}
			refused := s.refused()
			maps.DeleteFunc(refused, func(_ string, n int64) bool { return n == 0 })
			if !maps.Equal(refused, want) {
				t.Errorf("%s: refused were %v, want %v", s.url, refused, want)
			}
			if events := s.stats().Events; events != published {
				t.Errorf("%s: %d events were published, want %d", s.url, events, published)
			}
			for _, secret := range []string{token, swordfish, "mail/", "eyJ"} {
				if strings.Contains(s.output(), secret) {
					t.Errorf("%s: the log has %.20q:\n%s", s.url, secret, s.output())
				}
			}
		}
	}
}

// Who may not read a topic learns nothing of it: the answers are the same, byte for byte.
func TestCurlLearnsNothingOfATopicThatItMayNotRead(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t), "-jwt-key-file", secretFile(t))
	for range 3 {
		s.publish("mail/anna", "for Anna")
	}
	subscribeWith(t, bearing(streaming, makeToken(t, secretFile(t), "-subscribe", "mail/*")), s.url+"/events?topic=mail/anna&topic=mail/carl", "")
	s.waitForClients(1)
	for _, header := range [][]string{nil, bearerOf("x"), bearerOf(makeToken(t, secretFile(t), "-subscribe", "mail/dora"))} {
		answers := make(map[string]string)
		for _, topic := range []string{"mail/anna", "mail/bert", "mail/carl"} { // with events, with nothing, and with a client alone
			for _, query := range []string{"", "&lastEventId=1", "&last=5"} {
				status, answer := curlOnce(t, header, "-i", s.url+"/events?topic="+topic+query)
				var kept []string
				for line := range strings.Lines(answer) {
					if !strings.HasPrefix(line, "Date: ") {
						kept = append(kept, line)
					}
				}
				answers[status+strings.Join(kept, "")] = topic + query
			}
		}
		if len(answers) != 1 {
			t.Errorf("with %.30q the answers differ: %q", header, slices.Collect(maps.Keys(answers)))
		}
	}
}
