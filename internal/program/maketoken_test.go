package program

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/rights"
)

const secret = "0123456789abcdef0123456789abcdef"

// secretFile returns a file with the secret and a mode.
func secretFile(t *testing.T, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTokenCommandPrintsATokenAlone(t *testing.T) {
	file := secretFile(t, 0o600)
	for _, test := range []struct {
		args               []string
		subscribe, publish rights.Topics
		ttl                time.Duration
	}{
		{[]string{"-subscribe", "mail/anna"}, rights.Topics{"mail/anna"}, nil, time.Hour},
		{[]string{"-publish", "a,b", "-publish", "", "-subscribe=c/*", "-subscribe", "d", "-ttl", "90s"}, rights.Topics{"c/*", "d"}, rights.Topics{"a,b", ""}, 90 * time.Second},
		{[]string{"-subscribe", "a", "-audience", "sse", "-issuer", "me"}, rights.Topics{"a"}, nil, time.Hour},
	} {
		var out, complaints strings.Builder
		before := time.Now().Truncate(time.Second)
		code := MakeToken(append([]string{"-key", file}, test.args...), &out, &complaints)
		text, alone := strings.CutSuffix(out.String(), "\n")
		if code != 0 || !alone || complaints.Len() > 0 {
			t.Errorf("%q: %d, %q, %q", test.args, code, out.String(), complaints.String())
		}
		var o rights.Options
		if slices.Contains(test.args, "-issuer") {
			o = rights.Options{Audience: "sse", Issuer: "me"}
		}
		keys, _, err := rights.Load(file, o)
		if err != nil {
			t.Fatal(err)
		}
		token, err := keys.Verify(text, time.Now())
		if err != nil || !slices.Equal(token.Subscribe, test.subscribe) || !slices.Equal(token.Publish, test.publish) {
			t.Errorf("%q: %+v, %v", test.args, token, err)
		}
		if token.Expires.Before(before.Add(test.ttl)) || token.Expires.After(time.Now().Add(test.ttl)) {
			t.Errorf("%q: it expires at %v", test.args, token.Expires)
		}
	}
}

func TestTokenCommandsErrorIsOneLine(t *testing.T) {
	file := secretFile(t, 0o600)
	for _, test := range []struct {
		args []string
		code int
		word string
	}{
		{nil, 2, "-key"},
		{[]string{"-subscribe", "a"}, 2, "-key"},
		{[]string{"-key", file}, 2, "-subscribe"},
		{[]string{"-key", file, "-subscribe", "a", "b"}, 2, `"b"`},
		{[]string{"-key", file, "-subscribe", "a", "-ttl", "0"}, 2, "-ttl"},
		{[]string{"-key", file, "-subscribe", "a", "-ttl", "999ms"}, 2, "-ttl"},
		{[]string{"-key", file, "-subscribe", "a", "-ttl", "soon"}, 2, "-ttl"},
		{[]string{"-key", file, "-read", "a"}, 2, "-read"},
		{[]string{"-key", file + "x", "-subscribe", "a"}, 1, file + "x"},
		{[]string{"-key", os.DevNull, "-subscribe", "a"}, 1, "empty"},
		{[]string{"-key", file, "-subscribe", "a\n"}, 1, "topic"},
	} {
		var out, complaints strings.Builder
		code := MakeToken(test.args, &out, &complaints)
		line, one := strings.CutSuffix(complaints.String(), "\n")
		if code != test.code || out.Len() > 0 || !one || strings.Contains(line, "\n") || !strings.HasPrefix(line, "sse token: ") || !strings.Contains(line, test.word) {
			t.Errorf("%q: %d, %q, %q", test.args, code, out.String(), complaints.String())
		}
		if strings.Contains(complaints.String(), secret) {
			t.Errorf("%q: the secret is in %q", test.args, complaints.String())
		}
	}
}

func TestTokenCommandWarnsOfAKeyThatOthersMayRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode")
	}
	file := secretFile(t, 0o644)
	var out, complaints strings.Builder
	code := MakeToken([]string{"-key", file, "-subscribe", "a"}, &out, &complaints)
	if code != 0 || strings.Count(out.String(), ".") != 2 || strings.Count(complaints.String(), "\n") != 1 || !strings.Contains(complaints.String(), file+" can be read by every user") {
		t.Errorf("%d, %q, %q", code, out.String(), complaints.String())
	}
}

func TestTokenCommandListsItsFlags(t *testing.T) {
	var out, complaints strings.Builder
	if code := MakeToken([]string{"-h"}, &out, &complaints); code != 0 || complaints.Len() > 0 {
		t.Errorf("%d, %q", code, complaints.String())
	}
	for _, word := range []string{"-key", "-subscribe", "-publish", "-ttl", "1h0m0s", "-audience", "-issuer"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("no %s in:\n%s", word, out.String())
		}
	}
}
