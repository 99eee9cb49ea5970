package program

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kataras/golog"
)

// A line is what is logged at once.
type line struct {
	level   golog.Level
	message string
	figures golog.Fields // the numbers in the message, and what else can be told apart in it
}

// asText returns the line as golog writes it, but for the seconds of the time. The message has the figures.
func (l line) asText(now time.Time, colors bool) string {
	title := ""
	if level, ok := golog.Levels[l.level]; ok && l.level != golog.DisableLevel {
		if title = level.Title + " "; colors {
			title = fmt.Sprintf("\x1b[%dm%s\x1b[0m ", level.ColorCode, level.Title)
		}
	}
	return title + now.Format("2006/01/02 15:04:05 ") + l.message
}

// asJSON returns the line as a JSON object, which has the time (RFC 3339), the level, the message, and the
// figures, each by its name.
func (l line) asJSON(now time.Time) string {
	object := encode(struct {
		Time    time.Time `json:"time"`
		Level   string    `json:"level"`
		Message string    `json:"message"`
	}{now, l.level.String(), l.message})
	if len(l.figures) > 0 {
		figures := encode(l.figures)
		object = append(append(object[:len(object)-1], ','), figures[1:]...)
	}
	return string(object)
}

// encode returns a value as JSON, for a log and not for a page, so <, > and & stay what they are.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil { // A figure is of a type that JSON does not have, such as a channel.
		return encode(map[string]string{"error": err.Error()})
	}
	return bytes.TrimSpace(b.Bytes())
}
