package load

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// A centrifugoPush is what Centrifugo sends as an event's data. Its events have no IDs: a publication has an
// offset in its channel's history, which has an epoch.
type centrifugoPush struct {
	Connect *struct {
		Subs map[string]struct {
			Epoch        string
			Publications []struct{ Offset int64 }
		}
	}
}

// push reads an event's data if it is Centrifugo's, and reports whether it is: a publication, a ping, or the
// answer to the request to connect, in which what was missed comes. Its publications call dispatch.
func (p *parser) push(data []byte, dispatch func(key int64)) bool {
	switch {
	case bytes.HasPrefix(data, []byte(`{"channel":`)):
		const field = `"offset":`
		i := bytes.LastIndex(data, []byte(field))
		if i < 0 {
			return true // somebody joins or leaves
		}
		digits := data[i+len(field):]
		if end := bytes.IndexAny(digits, ",}"); end >= 0 {
			digits = digits[:end] // A channel's first publication has more fields.
		}
		p.publication(keyOf(digits), dispatch)
	case bytes.HasPrefix(data, []byte(`{"connect":`)):
		var push centrifugoPush
		if json.Unmarshal(data, &push) != nil || push.Connect == nil {
			return false
		}
		for _, s := range push.Connect.Subs {
			p.epoch = s.Epoch
			for _, publication := range s.Publications {
				p.publication(publication.Offset, dispatch)
			}
		}
	default:
		return string(data) == "{}"
	}
	return true
}

// publication notes a publication of the client's channel.
func (p *parser) publication(offset int64, dispatch func(key int64)) {
	p.lastID = append(append(p.lastID[:0], p.epoch...), ':')
	p.lastID = strconv.AppendInt(p.lastID, offset, 10)
	dispatch(offset)
}
