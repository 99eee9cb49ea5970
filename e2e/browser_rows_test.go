package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// rowOf returns the row that the page should show for one of the server's events.
func rowOf(t *testing.T, id int64, data string) row {
	t.Helper()
	var e struct {
		Timestamp json.Number
		Message   string
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Fatalf("event %d: %v", id, err)
	}
	return row{strconv.FormatInt(id, 10), e.Timestamp.String(), e.Message}
}

// checkRows checks that the rows are a stream's events, from the first row's on: none is
// missing, doubled or out of place.
func checkRows(t *testing.T, rows []row, raw *stream) {
	t.Helper()
	for i := 0; i < len(rows); {
		id, data := raw.next()
		want := rowOf(t, id, data)
		if i == 0 && want != rows[0] {
			continue
		}
		if rows[i] != want {
			t.Fatalf("row %d is %v, the stream's event is %v", i, rows[i], want)
		}
		i++
	}
}

// checkResumed checks the rows of a page whose server was killed and started again. They are the
// events of the first server, from the first row's on, as far as the page has received them,
// then those of the second, from its first on. What a page has received it shows with the next
// frame, so how far that is can't be told from what it shows at once.
func checkResumed(t *testing.T, rows []row, first, second *stream) {
	t.Helper()
	first.end()
	var sent []row
	for range len(first.events) {
		id, data := first.next()
		sent = append(sent, rowOf(t, id, data))
	}
	begin := slices.Index(sent, rows[0])
	if begin < 0 {
		t.Fatalf("the first row, %v, is none of the first server's events", rows[0])
	}
	n := 0
	for n < len(rows) && begin+n < len(sent) && rows[n] == sent[begin+n] {
		n++
	}
	if n < 2 || n == len(rows) {
		t.Fatalf("%d of the %d rows are the first server's events: %v", n, len(rows), rows)
	}
	killedAmid := begin+n == len(sent) // The first may have sent one more event to the page alone.
	for i := n; i < len(rows); {
		id, data := second.next()
		want := rowOf(t, id, data)
		if killedAmid && rows[i] != want && rows[i].id < want.id { // IDs have the same length.
			i++
		}
		killedAmid = false
		if i < len(rows) && rows[i] != want {
			t.Fatalf("a row is %v, the second server's event is %v", rows[i], want)
		}
		i++
	}
}

func TestPageShowsDataAsText(t *testing.T) {
	t.Parallel()
	const html = `<b>bold</b><img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "")
	inJSON, _ := json.Marshal(map[string]any{"timestamp": 7, "message": html})
	tests := []struct{ data, timestamp, message string }{
		{string(inJSON), "7", html},
		{html, "", html},
		{`{"timestamp":1.5,"message":""}`, "1.5", ""},
		{"", "", ""},
		{"not { JSON", "", "not { JSON"},
		{"two\nlines", "", "two\nlines"},
		{"null", "", "null"},
		{"[1,2]", "", "[1,2]"},
		{`"text"`, "", `"text"`},
		{`{"message":"no timestamp"}`, "", `{"message":"no timestamp"}`},
		{`{"timestamp":"1","message":"m"}`, "", `{"timestamp":"1","message":"m"}`},
		{`{"timestamp":1,"message":{}}`, "", `{"timestamp":1,"message":{}}`},
		{`{"timestamp":12345678901234567890,"message":"m"}`, "", `{"timestamp":12345678901234567890,"message":"m"}`},
		{`{"timestamp":9000000000000000,"message":"beyond all calendars"}`, "9000000000000000", "beyond all calendars"},
		{"時間 🕰", "", "時間 🕰"},
	}
	for i, test := range tests {
		s.send(int64(i+1), test.data)
	}
	for i, got := range tb.waitForRows(len(tests)) {
		if want := (row{fmt.Sprint(i + 1), tests[i].timestamp, tests[i].message}); got != want {
			t.Errorf("%q is shown as %q, want %q", tests[i].data, got, want)
		}
	}
	if n := eval[int](tb, `document.querySelectorAll("td *").length`); n > 0 {
		t.Errorf("data became %d elements", n)
	}
	if title := eval[string](tb, "document.title"); title != "SSE" {
		t.Errorf("data ran as a script: the title is %q", title)
	}
}

// Whoever writes a timestamp in JavaScript has milliseconds.
func TestPageKnowsMillisecondsFromSeconds(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "")
	tests := []struct{ timestamp, time string }{
		{"1700000000", "2023-11-14T22:13:20.000Z"},
		{"1700000000000", "2023-11-14T22:13:20.000Z"},
		{"1700000000123", "2023-11-14T22:13:20.000Z"}, // The title has no milliseconds.
		{"1700000000000000", "2023-11-14T22:13:20.000Z"},
		{"99999999999", "5138-11-16T09:46:39.000Z"},
		{"100000000000", "1973-03-03T09:46:40.000Z"},
		{"-1700000000000", "1916-02-18T01:46:40.000Z"},
		{"0", "1970-01-01T00:00:00.000Z"},
	}
	for i, test := range tests {
		s.send(int64(i+1), `{"timestamp":`+test.timestamp+`,"message":"m"}`)
	}
	for i, got := range tb.waitForRows(len(tests)) {
		if got.timestamp != tests[i].timestamp {
			t.Errorf("%s is shown as %s", tests[i].timestamp, got.timestamp)
		}
		cell := fmt.Sprintf("messagesTable.tBodies[0].rows[%d].cells[0]", i)
		if at := eval[string](tb, "new Date("+cell+".title).toISOString()"); at != tests[i].time {
			t.Errorf("%s is taken for %s, want %s", tests[i].timestamp, at, tests[i].time)
		}
		if local, want := eval[string](tb, cell+".dataset.local"),
			eval[string](tb, `new Date(`+cell+`.title).toLocaleTimeString(undefined, {timeStyle: "medium"})`); local != want {
			t.Errorf("beside %s is %s, want %s", tests[i].timestamp, local, want)
		}
	}
}

func TestPageKeepsTheLast500Rows(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "")
	for id := int64(1); id <= 1203; id++ {
		s.send(id, fmt.Sprint("event ", id))
	}
	tb.waitForLastRow(1203)
	checkLast500(t, tb, 1203)
	s.send(1204, "event 1204")
	tb.waitForLastRow(1204)
	checkLast500(t, tb, 1204)
}

// checkLast500 checks that the rows are the 500 events up to the one with the given id.
func checkLast500(t *testing.T, tb *tab, last int) {
	t.Helper()
	rows := tb.rows()
	if len(rows) != 500 {
		t.Fatalf("the table has %d rows, want 500", len(rows))
	}
	for i, r := range rows {
		if want := fmt.Sprint(last - 499 + i); r.id != want {
			t.Fatalf("row %d is event %s, want %s", i, r.id, want)
		}
	}
}
