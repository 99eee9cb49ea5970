package rights

import (
	"regexp"
	"strings"
	"testing"
)

func TestTopicsAllowWhatTheySay(t *testing.T) {
	for _, test := range []struct {
		topics Topics
		topic  string
		want   bool
	}{
		{nil, "", false},
		{nil, "a", false},
		{Topics{}, "", false},
		{Topics{""}, "", true},
		{Topics{""}, "a", false},
		{Topics{"mail/anna"}, "mail/anna", true},
		{Topics{"mail/anna"}, "mail/annabel", false},
		{Topics{"mail/annabel"}, "mail/anna", false},
		{Topics{"mail/anna"}, "mail/anna/", false},
		{Topics{"mail/anna"}, "mail/anna/drafts", false},
		{Topics{"mail/anna"}, "mail/Anna", false},
		{Topics{"mail/anna"}, "/mail/anna", false},
		{Topics{"mail/anna"}, "mail//anna", false},
		{Topics{"mail/anna"}, "mail", false},
		{Topics{"mail/anna"}, "", false},
		{Topics{"mail/*"}, "mail/anna", true},
		{Topics{"mail/*"}, "mail/anna/drafts", true},
		{Topics{"mail/*"}, "mail/", true},
		{Topics{"mail/*"}, "mail/*", true},
		{Topics{"mail/*"}, "mail/../chat", true}, // a topic is no path
		{Topics{"mail/*"}, "mail", false},
		{Topics{"mail/*"}, "mailbox/anna", false},
		{Topics{"mail/*"}, "Mail/anna", false},
		{Topics{"mail/*"}, "", false},
		{Topics{"mail/anna/*"}, "mail/annabel/x", false},
		{Topics{"mail/*/drafts"}, "mail/anna/drafts", false},
		{Topics{"mail/*/drafts"}, "mail/*/drafts", true},
		{Topics{"mail*"}, "mailbox", false},
		{Topics{"mail*"}, "mail*", true},
		{Topics{"*"}, "a", false},
		{Topics{"*"}, "", false},
		{Topics{"*"}, "*", true},
		{Topics{"**"}, "a", false},
		{Topics{"/*"}, "/a", true},
		{Topics{"/*"}, "a", false},
		{Topics{"/*"}, "", false},
		{Topics{"#", ">", ".*", "mail/>", "mail/+"}, "mail/anna", false}, // others' patterns
		{Topics{"a", "b", "a"}, "a", true},
		{Topics{"a", "b", "c/*"}, "b", true},
		{Topics{"a", "b", "c/*"}, "c/d", true},
		{Topics{"a", "b", "c/*"}, "d", false},
		{Topics{"bücher/*"}, "bücher/neu", true},
		{Topics{"bu\u0308cher/*"}, "bücher/neu", false}, // bytes are compared
	} {
		if got := test.topics.Allow(test.topic); got != test.want {
			t.Errorf("%q allow %q: %v", test.topics, test.topic, got)
		}
	}
}

// FuzzTopics compares with a regular expression that is made of the topics.
func FuzzTopics(f *testing.F) {
	for _, seed := range [][3]string{{"mail/anna", "mail/*", "mail/annabel"}, {"", "*", "a"}, {"/*", "a/*/*", "a/*/"}, {"a\n", "/", "a\n/*"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, one, two, topic string) {
		var expressions []string
		for _, allowed := range []string{one, two} {
			expression := regexp.QuoteMeta(allowed)
			if below, ok := strings.CutSuffix(expression, `/\*`); ok {
				expression = below + "/.*"
			}
			expressions = append(expressions, expression)
		}
		want := regexp.MustCompile(`(?s)^(` + strings.Join(expressions, "|") + `)$`)
		for _, t2 := range []Topics{{one, two}, {two, one}} {
			if got := t2.Allow(topic); got != want.MatchString(topic) {
				t.Errorf("%q allow %q: %v", t2, topic, got)
			}
		}
	})
}
