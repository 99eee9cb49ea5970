package program

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// hostPattern is what a host's name or address is in an origin, port and all: browsers write names that are not ASCII
// in ASCII, too (xn--…).
var hostPattern = regexp.MustCompile(`^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]*)?$`)

// An OriginList is the value of a flag: a list of origins, to which each use of the flag adds. Its zero value is empty.
type OriginList []string

// Set adds the origins in a list to l, as [Origins] returns them (flag.Value).
func (l *OriginList) Set(list string) error {
	origins, err := Origins(list)
	*l = append(*l, origins...)
	return err
}

// String returns the list as Set takes it.
func (l *OriginList) String() string { return strings.Join(*l, ",") }

// Origins returns the origins in a list that is separated by commas, such as "https://example.com". The error
// says which of them no browser ever sends (RFC 6454, section 6.2): such an origin would allow nobody, silently.
func Origins(list string) ([]string, error) {
	var origins []string
	for origin := range strings.SplitSeq(list, ",") {
		origin = strings.TrimSpace(origin)
		switch origin {
		case "":
			return nil, fmt.Errorf("an origin is empty in %q", list)
		case "*", "null":
			return nil, fmt.Errorf("%q is no one's origin: name each, such as https://example.com", origin)
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" {
			return nil, fmt.Errorf("%q is not an origin, such as https://example.com", origin)
		}
		sent := strings.ToLower(u.Scheme + "://" + u.Host)
		if defaultPort := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; defaultPort != "" {
			sent = strings.TrimSuffix(sent, defaultPort)
		}
		if !hostPattern.MatchString(strings.TrimPrefix(sent, u.Scheme+"://")) {
			return nil, fmt.Errorf("%q has a host that no browser sends in an origin: write it in ASCII, as xn--…", origin)
		}
		if origin != sent {
			return nil, fmt.Errorf("%q is not an origin as browsers send it: write %s", origin, sent)
		}
		origins = append(origins, origin)
	}
	return origins, nil
}
