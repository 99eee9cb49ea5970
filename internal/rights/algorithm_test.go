package rights

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// Each algorithm has its own keys: a token can't choose another one for a key (RFC 8725, section 2.1).
func TestAlgorithmFollowsFromTheKey(t *testing.T) {
	var all strings.Builder
	for _, p := range pairs() {
		all.WriteString(p.public)
	}
	for _, file := range []string{pairs()[0].public, pairs()[2].public, pairs()[4].public, all.String()} {
		keys := load(t, file, Options{})
		for _, known := range []string{file, strings.TrimSpace(file), pairs()[0].public, pairs()[2].public, pairs()[4].public} {
			for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA", "none", "PS256"} {
				token := sign(t, jwt.SigningMethodHS256, []byte(known), fmt.Sprintf(`{"alg":%q}`, alg), claims)
				got, err := keys.Verify(token, now)
				wantRefused(t, "the public key as a secret, alg "+alg, got, err, WrongKey)
			}
		}
	}
	rsaKeys := load(t, pairs()[0].public, Options{})
	for _, method := range []jwt.SigningMethod{jwt.SigningMethodRS384, jwt.SigningMethodRS512, jwt.SigningMethodPS256} {
		for _, alg := range []string{method.Alg(), "RS256"} {
			got, err := rsaKeys.Verify(sign(t, method, pairs()[0].private, fmt.Sprintf(`{"alg":%q}`, alg), claims), now)
			wantRefused(t, method.Alg()+" as "+alg, got, err, WrongKey)
		}
	}
}

func TestEachKeyOfAFileVerifies(t *testing.T) {
	for i, p := range pairs() {
		others := pairs()[:i:i]
		others = append(others, pairs()[i+1:]...)
		var file strings.Builder
		for _, other := range others {
			file.WriteString("A comment\n" + other.public)
		}
		got, err := load(t, file.String(), Options{}).Verify(p.token(t), now)
		wantRefused(t, p.alg, got, err, WrongKey)
		for _, content := range []string{p.public, file.String() + p.public, p.public + file.String(), p.public + p.public} {
			got, err := load(t, content, Options{}).Verify(p.token(t), now)
			if err != nil || !slices.Equal(got.Subscribe, Topics{"mail/anna", "news"}) {
				t.Errorf("%s: %+v, %v", p.alg, got, err)
			}
		}
	}
}
