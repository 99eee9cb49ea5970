package cluster

import (
	"regexp"
	"strings"
	"testing"

	"example.com/sse/internal/text"
)

func TestSubjectsOfTopics(t *testing.T) {
	seen := make(map[string]string)
	for topic, want := range map[string]string{
		"":          "sse.events",
		"news":      "sse.events.news",
		"mail/anna": "sse.events.mail.anna",
		"a.b":       "sse.events.a%2Eb",
		"a b":       "sse.events.a%20b",
		"*":         "sse.events.%2A",
		">":         "sse.events.%3E",
		"/":         "sse.events.%.%",
		"a//b/":     "sse.events.a.%.b.%",
		"%":         "sse.events.%25",
		"%/%25":     "sse.events.%25.%2525",
		"你好":        "sse.events.%E4%BD%A0%E5%A5%BD",
		"$JS/API":   "sse.events.$JS.API",
	} {
		got := subjectOf(topic)
		if back, ok := topicOf(got); got != want || back != topic || !ok || seen[got] != "" {
			t.Errorf("topic %q has subject %q, want %q, which is topic %q, %t", topic, got, want, back, ok)
		}
		seen[got] = topic
	}
}

// What another publisher has sent under a subject that no topic has reaches nobody: under another
// spelling of a topic's subject NATS would have let it pass.
func TestSubjectThatIsNoTopicsIsNone(t *testing.T) {
	for _, subject := range []string{
		"sse.events.%", "sse.events.mail%2Fanna", "sse.events.%61nna", "sse.events.a%2eb", "sse.events.100%", "sse.events.%zz", "sse.events.%%",
		"sse.events.你好", "sse.events.%E4", "sse.events.%0A", "sse.events.a%00b", "sse.events.a\tb",
		"sse.events." + strings.Repeat("x", 257), "sse.event", "sse.eventsx", "sse.events.", "other", "",
	} {
		if topic, ok := topicOf(subject); ok {
			t.Errorf("%q is topic %q", subject, topic)
		}
	}
}

func TestSubjectOfTheLongestTopicIsOneThatNATSTakes(t *testing.T) {
	for _, segment := range []string{"x", "/", "é", " ", "."} {
		topic := strings.Repeat(segment, 256/len(segment))
		if n := len(subjectOf(topic)); n > 779 {
			t.Errorf("%.9q…: %d bytes", topic, n)
		}
	}
}

var validSubject = regexp.MustCompile(`^sse\.events(\.[^.*>[:cntrl:] ]+)*$`)

func FuzzSubjectsAreOneToOne(f *testing.F) {
	for _, s := range []string{"", "mail/anna", "a.b", "//", "%", "%25/", "*/>", "你好", "sse.events", "\x80", "a\nb"} {
		f.Add(s, s+"/")
		f.Add(s, subject+"."+s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		of, ofOther := subjectOf(a), subjectOf(b)
		if !validSubject.MatchString(of) {
			t.Errorf("topic %q has subject %q", a, of)
		}
		if (a == b) != (of == ofOther) {
			t.Errorf("topics %q and %q have subjects %q and %q", a, b, of, ofOther)
		}
		if topic, ok := topicOf(of); ok != text.IsTopic(a) || ok && topic != a {
			t.Errorf("topic %q has subject %q, which is topic %q, %t", a, of, topic, ok)
		}
		if topic, ok := topicOf(b); ok && subjectOf(topic) != b {
			t.Errorf("subject %q is topic %q, which has subject %q", b, topic, subjectOf(topic))
		}
	})
}

func TestWhatAStreamsSubjectsTake(t *testing.T) {
	for _, test := range []struct {
		pattern, subject string
		want             bool
	}{
		{"sse.events", "sse.events", true},
		{"sse.events", "sse.events.a", false},
		{"sse.events.>", "sse.events", false},
		{"sse.events.>", "sse.events.a", true},
		{"sse.events.>", "sse.events.a.b", true},
		{"sse.events.>", topicSubjects, true},
		{"sse.events.*", topicSubjects, false},
		{"sse.events.*", "sse.events.a", true},
		{"sse.events.*", "sse.events.a.b", false},
		{"sse.events.mail.>", "sse.events.mail.anna", true},
		{"sse.events.mail.>", "sse.events.news", false},
		{"sse.events.mail.>", topicSubjects, false},
		{"sse.events.mail", topicSubjects, false},
		{"sse.>", topicSubjects, true},
		{"*.events.>", topicSubjects, true},
		{">", "sse.events", true},
		{"other", "sse.events", false},
	} {
		if got := covers(test.pattern, test.subject); got != test.want {
			t.Errorf("%s takes %s: %t", test.pattern, test.subject, got)
		}
	}
}
