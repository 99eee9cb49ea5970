package program

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
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
		got, warning, err := Token(file)
		if got != want.token || warning != "" || (err != nil) != (want.token == "") {
			t.Errorf("Token of %.20q is %.20q, %q, %v; want %.20q", content, got, warning, err, want.token)
		}
		if err != nil && !strings.Contains(err.Error(), want.word) {
			t.Errorf("Token of %.20q: no %q in %v", content, want.word, err)
		}
		if err != nil && (strings.Contains(err.Error(), "sss") || strings.Contains(err.Error(), "fish")) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
	for _, file := range []string{file + "x", t.TempDir()} {
		if _, _, err := Token(file); err == nil {
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
		token, warning, err := Token(file)
		if token != "swordfish" || err != nil || strings.Contains(warning, file) != want || (warning != "") != want {
			t.Errorf("%v: %q, %q, %v", mode, token, warning, err)
		}
	}
}
