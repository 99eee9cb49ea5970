package rights

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMadeTokenIsAccepted(t *testing.T) {
	sec1, err := x509.MarshalECPrivateKey(pairs()[2].private.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]struct{ private, public string }{
		"HS256":                  {secret + "\n", secret},
		"RSA, PKCS #8":           {pkcs8(pairs()[0].private), pairs()[0].public},
		"RSA, PKCS #1":           {pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(pairs()[0].private.(*rsa.PrivateKey))), pairs()[0].public},
		"ECDSA, PKCS #8":         {pkcs8(pairs()[2].private), pairs()[2].public},
		"ECDSA, SEC 1":           {pemOf("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + pemOf("EC PRIVATE KEY", sec1), pairs()[2].public},
		"Ed25519, PKCS #8":       {pkcs8(pairs()[4].private), pairs()[4].public},
		"Ed25519, with comments": {"a comment\n" + pkcs8(pairs()[4].private) + "another\n", pairs()[4].public},
	} {
		for _, o := range []Options{{}, {Audience: "sse", Issuer: "me"}} {
			want := Token{Expires: now.Add(time.Hour), Subscribe: Topics{"mail/anna", "", "bücher/<&>/*"}, Publish: Topics{"chat"}}
			token, err := Make([]byte(key.private), want, o)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			keys := load(t, key.public, o)
			got, err := keys.Verify(token, now)
			if err != nil || !got.Expires.Equal(want.Expires) || !slices.Equal(got.Subscribe, want.Subscribe) || !slices.Equal(got.Publish, want.Publish) {
				t.Errorf("%s: got %+v, %v", what, got, err)
			}
			got, err = keys.Verify(token, now.Add(time.Hour))
			wantRefused(t, what, got, err, Expired)
			if o == (Options{}) {
				got, err := load(t, key.public, Options{Audience: "sse"}).Verify(token, now)
				wantRefused(t, what, got, err, Audience)
				got, err = load(t, key.public, Options{Issuer: "me"}).Verify(token, now)
				wantRefused(t, what, got, err, Issuer)
			}
		}
	}
}

func TestTokenThatCannotBeMadeIsAnError(t *testing.T) {
	private := pkcs8(pairs()[4].private)
	for what, test := range map[string]struct {
		content string
		topics  Topics
		word    string
	}{
		"no key":             {"", nil, "empty"},
		"a short secret":     {"swordfish", nil, "9 bytes"},
		"a public key":       {pairs()[4].public, nil, "private"},
		"two keys":           {private + private, nil, "2 keys"},
		"no key, parameters": {pemOf("EC PARAMETERS", nil), nil, "0 keys"},
		"cut off":            {private[:50], nil, "cut off"},
		"damaged":            {pemOf("PRIVATE KEY", []byte("swordfish")), nil, "damaged"},
		"encrypted":          {pemOf("ENCRYPTED PRIVATE KEY", []byte("swordfish")), nil, "encrypted"},
		"encrypted, OpenSSL": {string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("swordfish")})), nil, "encrypted"},
		"no topic":           {secret, Topics{"mail\n"}, "topic"},
		"a topic not UTF-8":  {secret, Topics{"mail\xff"}, "topic"},
		"a topic of 257":     {secret, Topics{strings.Repeat("x", 257)}, "topic"},
		"too long":           {secret, slices.Repeat(Topics{strings.Repeat("x", 200)}, 40), "8 KiB"},
	} {
		token, err := Make([]byte(test.content), Token{Expires: now, Subscribe: test.topics}, Options{})
		if err == nil || token != "" || !strings.Contains(err.Error(), test.word) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "swordfish") {
			t.Errorf("%s: %q, %v, want %q", what, token, err, test.word)
		}
	}
}
