package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenIsTheFirstLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for content, want := range map[string]string{
		"swordfish":                            "swordfish",
		"swordfish\n":                          "swordfish",
		"swordfish\r\nother\r\n":               "swordfish",
		" two words \n":                        "two words",
		"":                                     "",
		"\nswordfish\n":                        "",
		"  \r\n":                               "",
		strings.Repeat("s", maxToken-1) + "\n": strings.Repeat("s", maxToken-1),
		strings.Repeat("s", maxToken):          "",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Token(file)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Token of %.20q is %.20q, %v; want %.20q", content, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sss") {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
	for _, file := range []string{file + "x", t.TempDir()} {
		if _, err := Token(file); err == nil {
			t.Errorf("no error for %s", file)
		}
	}
}
