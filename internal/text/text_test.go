package text

import (
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for s, want := range map[string]string{
		"":                "",
		"alert":           "alert",
		" Preis €: 你好 🎈 ": " Preis €: 你好 🎈 ",
		"a\nid: 9":        "a\ufffdid: 9",
		"a\r\nb":          "a\ufffd\ufffdb",
		"a\x00b\tc\x7f":   "a\ufffdb\ufffdc\ufffd",
		"a\u0085b":        "a\ufffdb",  // NEL, a control character of two bytes
		"caf\xe9":         "caf\ufffd", // Latin-1
		"a\xff\xfeb":      "a\ufffdb",
		"\xed\xa0\x80":    "\ufffd", // a surrogate
		"\ufffd":          "\ufffd",
	} {
		if got := Line(s); got != want || !IsLine(got) || IsLine(s) != (s == want) {
			t.Errorf("Line(%q) is %q, want %q; IsLine says %t", s, got, want, IsLine(s))
		}
	}
}

func FuzzLineIsOneLine(f *testing.F) {
	f.Add("a\nb\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Line(s); !IsLine(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("Line(%q) is %q", s, got)
		} else if IsLine(s) && got != s {
			t.Errorf("Line(%q) is %q", s, got)
		}
	})
}
