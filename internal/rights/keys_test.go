package rights

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
)

// derOf returns what is between the lines of PEM.
func derOf(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	return block.Bytes
}

// certificate returns a certificate of a key, which has expired, in PEM.
func certificate(t *testing.T, p pair) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(-1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, p.private.Public(), p.private)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der)
}

func TestPublicKeysAreTakenInEachOfTheirForms(t *testing.T) {
	rsaPair := pairs()[0]
	pkcs1 := pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(rsaPair.private.Public().(*rsa.PublicKey)))
	for what, test := range map[string]struct {
		content string
		pair    pair
	}{
		"PKCS #1":              {pkcs1, rsaPair},
		"certificate, RSA":     {certificate(t, rsaPair), rsaPair},
		"certificate, ECDSA":   {certificate(t, pairs()[2]), pairs()[2]},
		"certificate, Ed25519": {certificate(t, pairs()[4]), pairs()[4]},
		"CRLF":                 {strings.ReplaceAll(rsaPair.public, "\n", "\r\n"), rsaPair},
		"byte order mark":      {"\ufeff" + rsaPair.public, rsaPair},
		"no line break at end": {strings.TrimSpace(rsaPair.public), rsaPair},
	} {
		if _, err := load(t, test.content, Options{}).Verify(test.pair.token(t), now); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSecretIsTheOnlyLine(t *testing.T) {
	token := signHS256(t, claims)
	for _, content := range []string{secret, secret + "\n", secret + "\r\n", "\ufeff" + secret + "\n", " " + secret + " \n\n"} {
		if _, err := load(t, content, Options{}).Verify(token, now); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
	// What looks like another notation stays what it is.
	for _, secret := range []string{strings.Repeat("00", 32), base64.StdEncoding.EncodeToString([]byte(secret)), `a"secret{with}[every],kind-of_(character)!`} {
		got, err := load(t, secret, Options{}).Verify(token, now)
		wantRefused(t, secret, got, err, WrongKey)
	}
}

func TestFileThatHasNoKeysIsAnError(t *testing.T) {
	public := pairs()[0].public
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	var little strings.Builder // as PowerShell's > writes it
	for _, unit := range utf16.Encode([]rune("\ufeff" + secret + "\r\n")) {
		little.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	for what, test := range map[string]struct{ content, word string }{
		"nothing":                      {"", "empty"},
		"blank lines":                  {" \r\n\n", "empty"},
		"a short secret":               {secret[:31] + "\n", "31 bytes"},
		"a short one and spaces":       {secret[:31] + "  \n", "31 bytes"},
		"two lines":                    {secret + "\n" + secret + "\n", "single line"},
		"a space in it":                {secret + " " + secret, "no space"},
		"a tab in it":                  {secret + "\t" + secret, "no space"},
		"not ASCII":                    {secret + "é", "ASCII"},
		"bytes":                        {"\x00\xff" + strings.Repeat("\x01\x02", 16), "ASCII"},
		"UTF-16":                       {little.String(), "UTF-16"},
		"a JSON Web Key":               {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "neither in PEM"},
		"a list of them":               {`[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]`, "neither in PEM"},
		"a line of PEM":                {strings.Split(public, "\n")[0] + "xxxxxxxxxxxxxxxx", "damaged"},
		"four dashes":                  {strings.ReplaceAll(public, "-----", "----"), "single line"},
		"dashes alone":                 {strings.Repeat("-", 40), "neither in PEM"},
		"RSA in base64":                {base64.StdEncoding.EncodeToString(derOf(public)), "neither in PEM"},
		"RSA, PKCS #1, in base64":      {base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(pairs()[0].private.Public().(*rsa.PublicKey))), "neither in PEM"},
		"Ed25519 in base64":            {base64.StdEncoding.EncodeToString(derOf(pairs()[4].public)), "neither in PEM"},
		"a certificate in base64":      {base64.StdEncoding.EncodeToString(derOf(certificate(t, pairs()[2]))), "neither in PEM"},
		"OpenSSH's":                    {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDHxW2Y0zHc1TpQ9sWpZ5BjU9VJ8oW1kqkq1Zr7yq3fX anna@example", "no space"},
		"cut off":                      {public[:len(public)-40], "cut off"},
		"the second cut off":           {public + pairs()[1].public[:100], "cut off"},
		"without its first line":       {strings.SplitAfterN(public, "\n", 2)[1], "cut off"},
		"damaged base64":               {strings.Replace(public, "MII", "M!I", 1), "cut off"},
		"damaged DER":                  {pemOf("PUBLIC KEY", derOf(public)[:50]), "key 1: it is a damaged"},
		"the second damaged":           {public + pemOf("PUBLIC KEY", []byte("x")), "key 2: it is a damaged"},
		"a damaged certificate":        {pemOf("CERTIFICATE", derOf(public)), "damaged"},
		"a private key, PKCS #8":       {pkcs8(pairs()[4].private), "private key"},
		"a private key, PKCS #1":       {pemOf("RSA PRIVATE KEY", derOf(pkcs8(weak))), "private key"},
		"a private key, SEC 1":         {pemOf("EC PRIVATE KEY", sec1), "private key"},
		"a private key, encrypted":     {pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "private key"},
		"OpenSSH's private key":        {pemOf("OPENSSH PRIVATE KEY", []byte("x")), "private key"},
		"a private one after a public": {public + pkcs8(pairs()[4].private), "key 2: it is a private key"},
		"a secret before a key":        {secret + "\n" + pemOf("EC PARAMETERS", []byte("x")), "no public key"},
		"a request":                    {pemOf("CERTIFICATE REQUEST", []byte("x")), "no public key"},
		"RSA with 1024 bits":           {pkixPEM(t, weak.Public()), "1024 bits"},
		"ECDSA on P-384":               {pkixPEM(t, p384.Public()), "P-384"},
		"X25519":                       {pkixPEM(t, x25519.Public()), "neither of RSA"},
		"17 keys":                      {strings.Repeat(public, 17), "17 keys"},
	} {
		file := write(t, test.content)
		keys, warning, err := Load(file, Options{})
		if err == nil || keys != nil || warning != "" {
			t.Errorf("%s: no error", what)
			continue
		}
		line := strings.TrimPrefix(err.Error(), file+": ")
		if !strings.Contains(line, test.word) || line == err.Error() || strings.ContainsAny(line, "\r\n") {
			t.Errorf("%s: %v, want %q", what, err, test.word)
		}
		for _, hidden := range []string{"01234", "MII", "AAAA", "11qY"} {
			if strings.Contains(line, hidden) {
				t.Errorf("%s: the error shows what the file holds: %v", what, err)
			}
		}
	}
	for _, file := range []string{filepath.Join(t.TempDir(), "missing"), t.TempDir()} {
		if _, _, err := Load(file, Options{}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func pkixPEM(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("PUBLIC KEY", der)
}

func TestSecretThatOthersMayReadIsAWarning(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode")
	}
	for content, secret := range map[string]bool{secret: true, pairs()[0].public: false} {
		for mode, exposed := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o644: true, 0o604: true} {
			file := write(t, content)
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
			_, warning, err := Load(file, Options{})
			if err != nil || (warning != "") != (secret && exposed) || secret && exposed && !strings.Contains(warning, "can make tokens") {
				t.Errorf("%v: %q, %v", mode, warning, err)
			}
		}
	}
}
