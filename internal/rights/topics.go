package rights

import "strings"

// Topics are those that a token names. Each is a topic as it stands, also the default topic, which is "", or all
// topics that begin in a certain way: "mail/*" stands for each that begins with "mail/", such as "mail/anna" and
// "mail/anna/drafts", but neither for "mail" nor for "mailbox". The asterisk means that after a slash at the end
// alone: "*" and "mail*" are only themselves. The zero value is no topic.
type Topics []string

// Allow reports whether a topic is among the topics. Topics are compared byte by byte: a topic is no path, in
// which ".." would mean something.
func (t Topics) Allow(topic string) bool {
	for _, allowed := range t {
		if allowed == topic || strings.HasSuffix(allowed, "/*") && strings.HasPrefix(topic, allowed[:len(allowed)-1]) {
			return true
		}
	}
	return false
}
