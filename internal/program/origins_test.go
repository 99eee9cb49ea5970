package program

import (
	"slices"
	"strings"
	"testing"
)

func TestOriginsThatBrowsersSend(t *testing.T) {
	for list, want := range map[string][]string{
		"https://example.com":                       {"https://example.com"},
		"https://example.com, http://[::1]:8080":    {"https://example.com", "http://[::1]:8080"},
		"http://localhost:3000,http://127.0.0.1:80": nil,
		"https://xn--bcher-kva.example":             {"https://xn--bcher-kva.example"},
		"chrome-extension://abcdefghijklmnop":       {"chrome-extension://abcdefghijklmnop"},
		"http://a.example:443":                      {"http://a.example:443"},
	} {
		got, err := Origins(list)
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%q: %q, %v; want %q", list, got, err, want)
		}
	}
}

func TestOriginThatNoBrowserSendsIsAnError(t *testing.T) {
	for list, word := range map[string]string{
		"":                              "empty",
		"https://a.example,":            "empty",
		"*":                             "each",
		"null":                          "each",
		"example.com":                   "such as https://",
		"localhost:8080":                "such as https://",
		"//example.com":                 "such as https://",
		"https://":                      "such as https://",
		"https://example.com/":          "write https://example.com",
		"https://example.com/app":       "write https://example.com",
		"https://example.com?a":         "write https://example.com",
		"https://example.com:443":       "write https://example.com",
		"http://example.com:80":         "write http://example.com",
		"HTTPS://Example.com":           "write https://example.com",
		"https://me:secret@example.com": "write https://example.com",
		"https://*.example.com":         "host",
		"https://bücher.example":        "xn--",
		"https://example.com:0":         "host",
		"https://exa mple.com":          "such as https://",
	} {
		got, err := Origins(list)
		if err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") || got != nil {
			t.Errorf("%q: %q, %v; want an error with %q", list, got, err, word)
		}
	}
}
