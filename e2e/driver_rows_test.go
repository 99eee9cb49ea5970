package e2e

import (
	"fmt"
	"slices"

	"example.com/sse/internal/testkit"
)

// A row is a row of the page's table.
type row struct{ id, timestamp, message string }

// rows returns the page's table.
func (p *page) rows() []row {
	p.t.Helper()
	cells := eval[[][]string](p, `Array.from(messagesTable.tBodies[0].querySelectorAll("tr:not(.gap)"),
		row => [row.title.replace("id ", ""), ...Array.from(row.cells, cell => cell.textContent)])`)
	rows := make([]row, len(cells))
	for i, c := range cells {
		if len(c) != 3 {
			p.t.Fatalf("row %d has %d cells", i, len(c)-1)
		}
		rows[i] = row{c[0], c[1], c[2]}
	}
	return rows
}

// header returns what the page says about its state.
func (p *page) header() string {
	p.t.Helper()
	return eval[string](p, `document.getElementById("header").innerText`)
}

// waitForHeader waits until the page says that it is in a state.
func (p *page) waitForHeader(want string) {
	p.t.Helper()
	p.waitFor(`document.getElementById("header").innerText`, want)
}

// waitForRows waits until the table has at least n rows, and returns it.
func (p *page) waitForRows(n int) (rows []row) {
	p.t.Helper()
	testkit.Eventually(p.t, func() error {
		if rows = p.rows(); len(rows) < n {
			return fmt.Errorf("the table has %d rows, want %d", len(rows), n)
		}
		return nil
	})
	return rows
}

// wantRows checks the table.
func (p *page) wantRows(want []row) {
	p.t.Helper()
	if got := p.rows(); !slices.Equal(got, want) {
		p.t.Errorf("the rows are %q, want %q", got, want)
	}
}

// waitForLastRow waits until the table's last row is an event's.
func (p *page) waitForLastRow(id int64) {
	p.t.Helper()
	want := fmt.Sprint("id ", id)
	testkit.Eventually(p.t, func() error {
		var got string // An error is that another page is being loaded.
		err := p.driver.evaluate(`globalThis.messagesTable?.tBodies[0].lastElementChild?.title ?? "none"`, &got)
		if got != want {
			return fmt.Errorf("the last row is %q, want %q, %v", got, want, err)
		}
		return nil
	})
}
