// Package rights says what a request may do: it verifies JSON Web Tokens (RFC 7519), follows the file with their keys,
// and makes tokens.
package rights

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sse/internal/files"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxToken bounds a token, in bytes: it comes in a header, of which the server takes 16 KiB in all.
	maxToken = 8 << 10

	// leeway is how far the clock of a token's maker may be ahead of this one where the token has an nbf: a
	// browser that is refused gives up for good. exp has no leeway, since a stream ends at that time.
	leeway = 5 * time.Second
)

// Options say what the claims of a token must be, beyond what [Keys.Verify] asks of every token.
type Options struct {
	Audience string // what the claim aud has to name, if it is not empty
	Issuer   string // what the claim iss has to be, if it is not empty
}

// A Token is what a token says. The zero value grants nothing.
type Token struct {
	Expires            time.Time
	Subscribe, Publish Topics

	// Revoked is done once the key that has signed the token is not in the file any more. A stream should end
	// then: its client reconnects, and needs a token of another key.
	Revoked context.Context
}

// Keys are the keys in a file. Their methods are safe for concurrent use.
type Keys struct {
	options Options
	current *files.Value[[]*key]
	last    []*key // what parsed has returned last; current calls parsed for one goroutine at a time
}

// Load reads a file with keys: either public keys of RSA (RS256), of ECDSA on P-256 (ES256) and of Ed25519 (EdDSA),
// at most 16, in PEM, or one secret for HS256. What the file holds later is taken within a second. Its error, which
// does not tell what the file holds, says why the file can't be used. A warning that is not "" says what is
// unwise about the file.
func Load(file string, o Options) (k *Keys, warning string, err error) {
	k = &Keys{options: o}
	k.current, err = files.Open("the keys of tokens", func(contents [][]byte) ([]*key, error) {
		parsed, err := k.parsed(contents[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return parsed, nil
	}, file)
	if err != nil {
		return nil, "", err
	}
	if k.current.Get()[0].method == jwt.SigningMethodHS256 {
		warning = files.Exposed(file, "make tokens")
	}
	return k, warning, nil
}

// parsed returns the keys in a file's content. Keys that were there before stay what they are, and those that are
// gone are revoked.
func (k *Keys) parsed(content []byte) ([]*key, error) {
	parsed, err := parse(content)
	if err != nil {
		return nil, err
	}
	for i := range parsed {
		if before := slices.IndexFunc(k.last, parsed[i].equal); before >= 0 {
			parsed[i] = k.last[before]
		}
	}
	for _, before := range k.last {
		if !slices.Contains(parsed, before) {
			before.revoke()
		}
	}
	k.last = parsed
	return parsed, nil
}

// Follow looks at the file each second until done is closed, so that [Token.Revoked] is done also while nobody
// comes with a token.
func (k *Keys) Follow(done <-chan struct{}) { k.current.Follow(done) }

// Verify returns what a token says, or why it is refused at a time: then the error is an *[Error]. A token needs exp.
// Its nbf counts where it has one, and aud and iss where the options name them. The claim sse has two lists
// of [Topics], subscribe and publish; one that is missing is empty. Claims that are null count as missing, and
// unknown ones mean nothing.
//
// The algorithm follows from the key, and never from the token (RFC 8725, section 3.1): a key is tried where the
// token says the key's own algorithm. A token with "crit" is refused, since it demands an extension, and this package
// understands none (RFC 7515, section 4.1.11).
func (k *Keys) Verify(token string, now time.Time) (Token, error) {
	if len(token) > maxToken {
		return Token{}, refuse(Malformed, "the token is longer than 8 KiB")
	}
	payload, by, err := verified(token, k.current.Get())
	if err != nil {
		return Token{}, err
	}
	verified, err := k.options.check(payload, now)
	verified.Revoked = by.inFile
	return verified, err
}

// verified returns the claims of a token, and the key by which it is signed.
func verified(token string, keys []*key) (payload []byte, by *key, err error) {
	malformed := refuse(Malformed, "the token is not a JSON Web Token")
	encoded, _, _ := strings.Cut(token, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || strings.ContainsAny(token, "\r\n") { // The decoder would pass over line breaks.
		return nil, nil, malformed
	}
	parameters, err := members(header)
	if err != nil || parameters["crit"] != nil {
		return nil, nil, malformed
	}
	for _, key := range keys {
		var claims rawClaims
		_, err := key.parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key.public, nil })
		if err == nil {
			return claims.payload, key, nil
		}
		if errors.Is(err, jwt.ErrTokenMalformed) {
			return nil, nil, malformed
		}
	}
	return nil, nil, refuse(WrongKey, "the token is signed by none of the keys")
}

// rawClaims are claims as they come. They are read once they are known to be signed.
type rawClaims struct {
	jwt.RegisteredClaims // which stay empty
	payload              []byte
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *rawClaims) UnmarshalJSON(payload []byte) error {
	c.payload = slices.Clone(payload)
	return nil
}
