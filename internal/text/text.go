// Package text says what one line of text is: what an event's name and its topic have to be, whatever the
// way by which they come in.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsLine reports whether s is one line of text: UTF-8 without a control character. A line break
// is one, and so is NUL.
func IsLine(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// Line returns s as one line of text, with U+FFFD for each run of bytes that are not UTF-8 and for
// each control character. What is one line already stays as it is.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// MaxTopic is how long a topic may be, in bytes.
const MaxTopic = 256

// IsTopic reports whether s is a topic.
func IsTopic(s string) bool { return len(s) <= MaxTopic && IsLine(s) }
