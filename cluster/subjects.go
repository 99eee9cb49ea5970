package cluster

import (
	"net/url"
	"slices"
	"strings"

	"example.com/sse/internal/text"
)

const (
	// subject is that of the default topic's events. Another topic's events have a subject below it, one
	// to one: those of "mail/anna" have "sse.events.mail.anna". So NATS can permit, bound and show topics.
	subject = "sse.events"

	// topicSubjects are the subjects of all topics but the default one.
	topicSubjects = subject + ".>"

	// emptyToken stands for an empty segment between two slashes, since NATS has no empty token. No other segment has
	// this token: in the others each percent sign is followed by two hexadecimal digits.
	emptyToken = "%"
)

// ourSubjects returns the subjects of all topics.
func ourSubjects() []string { return []string{subject, topicSubjects} }

// filter returns the subjects for a consumer of all topics' events: none where the stream has no other subjects. With a
// filter NATS looks at each subject for each message, which takes a minute for a stream of some thousand topics.
func (m *Member) filter() []string {
	if m.shared.Load() {
		return ourSubjects()
	}
	return nil
}

// subjectOf returns the subject of a topic's events. It has at most 779 bytes: 11 for "sse.events.", and three for each of
// a topic's 256 bytes, where all are escaped. NATS takes 4,096 bytes a line if not configured otherwise.
func subjectOf(topic string) string {
	if topic == "" {
		return subject
	}
	tokens := []string{subject}
	for segment := range strings.SplitSeq(topic, "/") {
		token := strings.ReplaceAll(url.PathEscape(segment), ".", "%2E")
		if token == "" {
			token = emptyToken
		}
		tokens = append(tokens, token)
	}
	return strings.Join(tokens, ".")
}

// topicOf returns the topic whose events have a subject. Another publisher may have used a
// subject that is no topic's, such as "sse.events.mail%2Fanna": if topicOf took that for the topic that it
// looks like, a publisher that may not publish to "sse.events.mail.>" could reach its topics even so.
func topicOf(s string) (topic string, ok bool) {
	if below, ok := strings.CutPrefix(s, subject+"."); ok {
		segments := strings.Split(below, ".")
		for i, token := range segments {
			segments[i], _ = url.PathUnescape(token) // The comparison below finds what can't be unescaped.
		}
		topic = strings.Join(segments, "/")
	}
	return topic, text.IsTopic(topic) && subjectOf(topic) == s
}

// isOurs reports whether one of a stream's subjects takes topics' events alone.
func isOurs(s string) bool { return s == subject || strings.HasPrefix(s, subject+".") }

// takes reports whether a stream with some subjects, which may have wildcards, takes all that is
// published to a subject, which may be topicSubjects.
func takes(subjects []string, s string) bool {
	return slices.ContainsFunc(subjects, func(pattern string) bool { return covers(pattern, s) })
}

// covers reports whether a pattern of a stream's subjects takes all that is published to s: token by token, where "*"
// stands for any one token, and ">" at the end for one or more (https://docs.nats.io/nats-concepts/subjects). A ">" in s,
// which may be topicSubjects, is taken by a ">" alone: "*" would take only some of what is published there.
func covers(pattern, s string) bool {
	for {
		first, rest, more := strings.Cut(pattern, ".")
		token, below, deeper := strings.Cut(s, ".")
		switch {
		case first == ">":
			return true
		case first != token && (first != "*" || token == ">"), more != deeper:
			return false
		case !more:
			return true
		}
		pattern, s = rest, below
	}
}
