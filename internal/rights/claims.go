package rights

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"example.com/sse/internal/text"
)

// maxDate is the last second of the year 9999, in seconds since 1970. Dates beyond it can't be written in most
// formats, and no token is meant to live so long.
const maxDate = 253402300799

// members returns the members of a JSON object. Where a name comes twice, or the text is no object in UTF-8, there
// is an error: other readers of the same token could see something else in it (RFC 7519, section 4). Members
// that are null are left out.
func members(object []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') || !utf8.Valid(object) {
		return nil, errors.New("no object in UTF-8")
	}
	seen := make(map[string]bool)
	found := make(map[string]json.RawMessage)
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		key := name.(string) // In an object nothing else comes before a value.
		if seen[key] {
			return nil, errors.New("a name comes twice")
		}
		seen[key] = true
		if string(value) != "null" {
			found[key] = value
		}
	}
	return found, nil
}

// check returns what a token's claims say at a time, or why they are refused.
func (o Options) check(payload []byte, now time.Time) (Token, error) {
	claims, err := members(payload)
	if err != nil {
		return Token{}, refuse(Claims, "the token's claims are no JSON object in UTF-8, or one comes twice")
	}
	if claims["exp"] == nil {
		return Token{}, refuse(Claims, "the token has no exp: when does it expire?")
	}
	expires, ok := date(claims["exp"])
	if !ok {
		return Token{}, refuse(Claims, "the token's exp is not a number of seconds since 1970")
	}
	if !now.Before(expires) {
		return Token{}, refuse(Expired, "the token has expired")
	}
	if claims["nbf"] != nil {
		begins, ok := date(claims["nbf"])
		if !ok {
			return Token{}, refuse(Claims, "the token's nbf is not a number of seconds since 1970")
		}
		if now.Add(leeway).Before(begins) {
			return Token{}, refuse(NotYetValid, "the token is not valid yet")
		}
	}
	if o.Audience != "" && !slices.Contains(audience(claims["aud"]), o.Audience) {
		return Token{}, refuse(Audience, "the token is for another audience")
	}
	var issuer string
	if o.Issuer != "" && (json.Unmarshal(claims["iss"], &issuer) != nil || issuer != o.Issuer) {
		return Token{}, refuse(Issuer, "the token is another issuer's")
	}
	subscribe, publish, ok := rights(claims["sse"])
	if !ok {
		return Token{}, refuse(Claims, "the token's sse is not an object with lists of topics, subscribe and publish")
	}
	return Token{Expires: expires, Subscribe: subscribe, Publish: publish}, nil
}

// date returns a NumericDate (RFC 7519, section 2): seconds since 1970, which may have a fraction.
func date(value json.RawMessage) (time.Time, bool) {
	seconds, err := strconv.ParseFloat(string(value), 64) // JSON has no NaN, and a string has quotation marks.
	if err != nil || seconds < 0 || seconds > maxDate {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(seconds * 1e6)), true
}

// audience returns the claim aud: a text, or a list of them (RFC 7519, section 4.1.3).
func audience(value json.RawMessage) []string {
	var one string
	if value != nil && json.Unmarshal(value, &one) == nil {
		return []string{one}
	}
	all, _ := list(value)
	return all
}

// rights returns the lists of the claim sse. A list that is missing is empty. Where the claim itself is missing both
// are: such a token grants nothing.
func rights(value json.RawMessage) (subscribe, publish Topics, ok bool) {
	if value == nil {
		return nil, nil, true
	}
	lists, err := members(value)
	if err != nil {
		return nil, nil, false
	}
	subscribe, subscribes := list(lists["subscribe"])
	publish, publishes := list(lists["publish"])
	isTopic := func(topics Topics) bool {
		return !slices.ContainsFunc(topics, func(topic string) bool { return !text.IsTopic(topic) })
	}
	return subscribe, publish, subscribes && publishes && isTopic(subscribe) && isTopic(publish)
}

// list returns a list of texts. One that is missing is empty.
func list(value json.RawMessage) (texts []string, ok bool) {
	if value == nil {
		return nil, true
	}
	var elements []*string // A null among them must not become "", which is a topic.
	if json.Unmarshal(value, &elements) != nil || slices.Contains(elements, nil) {
		return nil, false
	}
	for _, element := range elements {
		texts = append(texts, *element)
	}
	return texts, true
}
