package program

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/kataras/golog"
)

func TestTokenIsTheFirstLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	// What PowerShell's > writes, in either order of the bytes.
	var little, big strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeffswordfish\r\n")) {
		little.Write([]byte{byte(unit), byte(unit >> 8)})
		big.Write([]byte{byte(unit >> 8), byte(unit)})
	}
	for content, want := range map[string]struct{ token, word string }{
		"swordfish":                            {"swordfish", ""},
		"swordfish\n":                          {"swordfish", ""},
		"swordfish\r\nother\r\n":               {"swordfish", ""},
		"\ufeffswordfish\r\n":                  {"swordfish", ""},
		" sword-._~+/F1sh== \n":                {"sword-._~+/F1sh==", ""},
		"two words \n":                         {"", "character"},
		"sword=fish":                           {"", "character"},
		"schwertfisch€":                        {"", "character"},
		"\xefswordfish":                        {"", "character"},
		"sword\x00fish":                        {"", "character"},
		"\ufeff\ufeffswordfish":                {"", "character"},
		little.String():                        {"", "UTF-16"},
		big.String():                           {"", "UTF-16"},
		little.String()[2:]:                    {"", "character"},
		"":                                     {"", "empty"},
		"\ufeff":                               {"", "empty"},
		"\nswordfish\n":                        {"", "empty"},
		"  \r\n":                               {"", "empty"},
		strings.Repeat("s", maxToken-1) + "\n": {strings.Repeat("s", maxToken-1), ""},
		strings.Repeat("s", maxToken):          {"", "too long"},
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		current, warning, err := TokenFile(file)
		got := ""
		if current != nil {
			got = current()
		}
		if got != want.token || warning != "" || (err != nil) != (want.token == "") {
			t.Errorf("TokenFile of %.20q is %.20q, %q, %v; want %.20q", content, got, warning, err, want.token)
		}
		if err != nil && !strings.Contains(err.Error(), want.word) {
			t.Errorf("TokenFile of %.20q: no %q in %v", content, want.word, err)
		}
		if err != nil && (strings.Contains(err.Error(), "sss") || strings.Contains(err.Error(), "fish")) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
	for _, file := range []string{file + "x", t.TempDir()} {
		if _, _, err := TokenFile(file); err == nil {
			t.Errorf("no error for %s", file)
		}
	}
}

func TestTokenThatOthersMayReadIsAWarning(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode")
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o644: true, 0o604: true} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		token, warning, err := TokenFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if token() != "swordfish" || strings.Contains(warning, file) != want || (warning != "") != want {
			t.Errorf("%v: %q, %q", mode, token(), warning)
		}
	}
}

func TestTokenFollowsItsFile(t *testing.T) {
	var log bytes.Buffer
	golog.SetOutput(&log)
	defer golog.SetOutput(os.Stdout)
	file := filepath.Join(t.TempDir(), "token")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("swordfish\n")
	synctest.Test(t, func(t *testing.T) {
		token, _, err := TokenFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct{ content, want, logged string }{
			{"swordfish\n", "swordfish", ""},
			{"marlin\n", "marlin", "-publish-token-file: renewed"},
			{"sword fish\n", "marlin", file + ": the first line has a character"},
			{"", "marlin", ""}, // It was said.
			{"swordfish", "swordfish", "-publish-token-file: renewed"},
		} {
			log.Reset()
			write(step.content)
			time.Sleep(time.Second)
			if got := token(); got != step.want {
				t.Errorf("with %q the token is %q, want %q", step.content, got, step.want)
			}
			if got := log.String(); !strings.Contains(got, step.logged) || (got == "") != (step.logged == "") || strings.Contains(got, "fish\n") || strings.Contains(got, "marlin") {
				t.Errorf("with %q the log says %q, want %q", step.content, got, step.logged)
			}
		}
	})
}

func TestWithoutAFileThereIsNoToken(t *testing.T) {
	if token, warning, err := TokenFile(""); token != nil || warning != "" || err != nil {
		t.Errorf("%v, %q, %v", token != nil, warning, err)
	}
}
