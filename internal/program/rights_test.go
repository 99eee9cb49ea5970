package program

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

func TestStreamNeedsATokenThatMaySubscribeToEachOfItsTopics(t *testing.T) {
	p := newRights(t)
	mail := newToken(t, []string{"mail/anna", "news/*", "mail/anna"}, nil)
	for _, test := range []struct {
		query, token string
		topics       []string // nil for a stream of the default topic alone, which gets what the request asks for
		refused      string
	}{
		{"", "", nil, ""},
		{"topic=", "", nil, ""},
		{"topic=&topic=", "", nil, ""},
		{"topics=mail/anna&Topic=mail/anna", "", nil, ""},
		{"topic=mail/anna", mail, []string{"mail/anna"}, ""},
		{"topic=mail%2Fanna&topic=", mail, []string{"mail/anna", ""}, ""},
		{"topic=mail/anna&topic=mail/anna&lastEventId=0", mail, []string{"mail/anna", "mail/anna"}, ""},
		{"topic=news/a&topic=news/b/c&topic=mail/anna", mail, []string{"news/a", "news/b/c", "mail/anna"}, ""},
		{"topic=mail/anna", "", nil, "no_token"},
		{"topic=&topic=mail/anna", "", nil, "no_token"},
		{"topic=mail/anna", "swordfish", nil, "malformed"},
		{"topic=mail/anna", mail + "x", nil, "wrong_key"},
		{"topic=mail/anna", newTokenUntil(t, time.Now().Add(-time.Second), []string{"mail/anna"}, nil), nil, "expired"},
		{"topic=mail/anna&topic=mail/bert", mail, nil, "no_right"},
		{"topic=mail/bert&topic=mail/anna", mail, nil, "no_right"},
		{"topic=&topic=mail/bert", mail, nil, "no_right"},
		{"topic=mail/ann", mail, nil, "no_right"},
		{"topic=mail/anna2", mail, nil, "no_right"},
		{"topic=mail/anna/", mail, nil, "no_right"},
		{"topic=mail/Anna", mail, nil, "no_right"},
		{"topic=news", mail, nil, "no_right"},
		{"topic=news/*", mail, []string{"news/*"}, ""}, // a topic like any other
		{"topic=*", mail, nil, "no_right"},
		{"topic=mail/*", mail, nil, "no_right"},
		{"topic=mail/anna", newToken(t, nil, []string{"mail/anna"}), nil, "no_right"}, // who may publish may not therefore read
		{"topic=mail/anna", newToken(t, nil, nil), nil, "no_right"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := newRequest(method, test.query)
			if test.token != "" {
				r.Header.Set("Authorization", "Bearer "+test.token)
			}
			got, refused := p.stream(r, time.Now())
			if !slices.Equal(got.Topics, test.topics) || reasonOf(refused) != test.refused {
				t.Errorf("%s %s: the topics are %q, refused for %q; want %q, %q", method, test.query, got.Topics, reasonOf(refused), test.topics, test.refused)
			}
			if (got.Topics != nil) != (got.Context != nil) || (got.Topics != nil) != !got.Until.IsZero() {
				t.Errorf("%s %s: it ends at %v, and while %v", method, test.query, got.Until, got.Context)
			}
		}
	}
}

// A browser sends a cookie that has expired for as long as it is told to.
func TestOpenTopicNeedsNoTokenAndLooksAtNone(t *testing.T) {
	p := newRights(t)
	for _, header := range [][]string{
		{"Authorization", "Bearer swordfish"},
		{"Authorization", "Bearer a", "Authorization", "Bearer b"},
		{"Cookie", "sse=" + newTokenUntil(t, time.Now().Add(-time.Hour), []string{""}, nil)},
	} {
		got, refused := p.stream(newRequest("GET", "", header...), time.Now())
		if refused != nil || got.Topics != nil || !got.Until.IsZero() {
			t.Errorf("%.40q: %+v, %+v", header, got, refused)
		}
	}
	if _, refused := new(Rights).stream(newRequest("GET", "topic=mail/anna"), time.Now()); refused != nil {
		t.Errorf("without keys a topic is not open: %+v", refused)
	}
}

func TestClosedDefaultTopicNeedsATokenThatNamesIt(t *testing.T) {
	p := newRights(t)
	p.CloseDefault = true
	for _, test := range []struct {
		query     string
		subscribe []string
		refused   string
	}{
		{"", []string{""}, ""},
		{"topic=", []string{"", "mail/*"}, ""},
		{"topic=&topic=mail/a", []string{"", "mail/*"}, ""},
		{"topic=mail/a", []string{"mail/*"}, ""},
		{"", []string{"mail/*"}, "no_right"},
		{"topic=mail/a&topic=", []string{"mail/*"}, "no_right"},
		{"", []string{"/*"}, "no_right"},
		{"", nil, "no_right"},
	} {
		r := newRequest("GET", test.query, "Authorization", "Bearer "+newToken(t, test.subscribe, nil))
		got, refused := p.stream(r, time.Now())
		if reasonOf(refused) != test.refused || (got.Topics != nil) != (refused == nil) {
			t.Errorf("%q by a token of %q: %q, refused for %q", test.query, test.subscribe, got.Topics, reasonOf(refused))
		}
	}
	if _, refused := p.stream(newRequest("GET", ""), time.Now()); reasonOf(refused) != "no_token" {
		t.Errorf("without a token: refused for %q", reasonOf(refused))
	}
}

// No stream ends after its token.
func TestStreamsOfTokensOfOneMinuteEndAtTimesOfTheirOwn(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		expires time.Time
		spread  time.Duration
	}{
		{now.Add(time.Minute), 6 * time.Second},
		{now.Add(24 * time.Hour), 10 * time.Second},
		{now.AddDate(1000, 0, 0), 10 * time.Second}, // which is more than a Duration holds
		{now.Add(time.Second), 100 * time.Millisecond},
		{now.Add(5), 0},
		{now.Add(-time.Second), 0},
	} {
		seen := make(map[time.Duration]bool)
		for range 1000 {
			end := endOf(test.expires, now)
			if end.After(test.expires) || end.Before(test.expires.Add(-test.spread)) {
				t.Fatalf("until %v: it ends %v before its token", test.expires, test.expires.Sub(end))
			}
			seen[test.expires.Sub(end)*20/max(1, test.spread+1)] = true // in twentieths
		}
		if test.spread > 0 && len(seen) != 20 {
			t.Errorf("until %v: the ends are in %d of 20 parts of the spread", test.expires, len(seen))
		}
	}
}
