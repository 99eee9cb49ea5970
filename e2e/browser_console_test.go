package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestEveryEngineHasNothingToComplainOf(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			s := newStage(t)
			// So that silence means something.
			lines := engine.watch(t, s.url+"/complaint")
			testkit.EventuallyWithin(t, browserWithin, func() error {
				if got := lines(); len(got) != 1 || !strings.Contains(got[0], "a complaint") {
					return fmt.Errorf("the console has %q", got)
				}
				return nil
			})
			lines = engine.watch(t, s.url+"/?event=price")
			testkit.EventuallyWithin(t, browserWithin, func() error {
				if s.broker.Stats().Clients != 1 {
					return errors.New("the page has no stream")
				}
				return nil
			})
			s.send(1, `{"timestamp":1700000000,"message":"Hello"}`, "two")
			s.sendNamed(3, "price", "12")
			s.sendNamed(4, "error", "a server's own")
			s.send(5, "five")
			time.Sleep(time.Second)
			if got := slices.DeleteFunc(lines(), func(line string) bool { return strings.Contains(line, "/events") }); len(got) > 0 {
				t.Errorf("the console has %q", got)
			}
		})
	}
}

// Firefox does not reconnect to a server of another origin that is away, as the mini page's is.
func TestEveryEngineLogsTheMiniPagesEvents(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			s := start(t, "-interval", "300ms")
			lines := engine.watch(t, "file://"+miniPage(t, s))
			more := func(n int) {
				t.Helper()
				before := len(lines())
				testkit.EventuallyWithin(t, browserWithin, func() error {
					var events int
					for _, line := range lines()[before:] {
						// Firefox's protocol tells no more than that it is an object.
						if strings.Contains(line, "MessageEvent") || strings.Contains(line, "info: object") {
							events++
						}
					}
					if events < n {
						return fmt.Errorf("%d events logged, want %d: %q", events, n, lines()[before:])
					}
					return nil
				})
			}
			more(3)
			s.kill()
			time.Sleep(5 * time.Second) // longer than the server's retry
			s.restart()
			more(3)
		})
	}
}

func TestEveryEngineKeepsTheFreshRowInTheRoundedCorner(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "")
		s.send(1, "one", "two")
		p.waitForLastRow(2)
		// The last row, and no other, is fresh again, for as long as it takes.
		if n := eval[int](p, `(() => {
			const rows = messagesTable.tBodies[0].rows, row = rows[rows.length - 1];
			for (const r of rows) r.className = "";
			row.offsetHeight;
			row.className = "fresh";
			const animations = document.getAnimations();
			for (const a of animations) { a.pause(); a.currentTime = 0; }
			return animations.length;
		})()`); n == 0 {
			t.Fatal("nothing shows that the row is fresh")
		}
		edges := eval[[]int](p, `(({left, right, bottom}) => [left, right, bottom].map(Math.round))(messagesTable.getBoundingClientRect())`)
		left, right, bottom := edges[0], edges[1], edges[2]
		var img image.Image
		testkit.Eventually(t, func() error {
			shot, err := p.driver.screenshot()
			if err != nil {
				return err
			}
			if img, err = png.Decode(bytes.NewReader(shot)); err != nil {
				return err
			}
			if img.At(left+40, bottom-5) == img.At(left+40, bottom-60) {
				return errors.New("the last row is not seen to be fresh")
			}
			return nil
		})
		ground := img.At(left-4, bottom-4)
		for _, corner := range []image.Point{{left + 1, bottom - 2}, {right - 2, bottom - 2}} {
			if got := img.At(corner.X, corner.Y); got != ground {
				t.Errorf("the corner %v shows %v, and around the table is %v", corner, got, ground)
			}
		}
	})
}
