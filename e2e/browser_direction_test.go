package e2e

import (
	"math"
	"testing"
)

// Arabic and Hebrew begin at the right, each line of the data by itself, and so does the name of an event before them.
func TestEveryEngineLaysTextOutInItsDirection(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "/?event=alert")
		s.send(1, "שלום, server!", "Hello, שלום!", "one\nשלום", "123 — مرحبا")
		s.sendNamed(5, "alert", "مرحبا")
		p.waitForLastRow(5)
		// For each line of each text: the distance to the left and to the right of its cell.
		var lines [][][]float64
		p.evaluate(`Array.from(messagesTable.tBodies[0].rows, row => {
			const cell = row.cells[1], outer = cell.getBoundingClientRect(), padding = parseFloat(getComputedStyle(cell).paddingLeft);
			let from = 0;
			return cell.textContent.split("\n").map(line => {
				const range = document.createRange();
				range.setStart(cell.firstChild, from);
				range.setEnd(cell.firstChild, from += line.length);
				from++;
				const inner = range.getBoundingClientRect();
				return [inner.left - outer.left - padding, outer.right - padding - inner.right];
			});
		})`, &lines)
		for i, row := range [][]string{{"right"}, {"left"}, {"left", "right"}, {"right"}} {
			for j, want := range row {
				left, right := lines[i][j][0], lines[i][j][1]
				if atLeft, atRight := math.Abs(left) < 2, math.Abs(right) < 2; atLeft == atRight || atRight != (want == "right") {
					t.Errorf("line %d of row %d is %v pixels from the left and %v from the right: it belongs to the %s", j, i, left, right, want)
				}
			}
		}
		// The name is between the text and the right edge.
		if left, right := lines[4][0][0], lines[4][0][1]; right < 20 || right > 100 || left < 100 {
			t.Errorf("the text of a named event is %v pixels from the left and %v from the right", left, right)
		}
	})
}
