package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screenshot keeps what the tab shows in web/screenshots, where the README shows it, when the
// environment variable SCREENSHOTS is set.
func (tb *tab) screenshot(name string) {
	tb.t.Helper()
	png, err := chromedp.Run(tb.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		tb.t.Fatal(err)
	}
	if os.Getenv("SCREENSHOTS") == "" {
		return
	}
	if err := os.WriteFile(filepath.Join("../web/screenshots", name), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// prefer has the reader prefer a value of a media feature, such as dark of color-scheme.
func (tb *tab) prefer(feature, value string) {
	tb.t.Helper()
	_, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-" + feature, Value: value}},
	})
	if err != nil {
		tb.t.Fatal(err)
	}
}

// luminance is a JavaScript function: the relative luminance of a CSS color, as WCAG 2 has it.
const luminance = `color => {
	const [r, g, b] = color.match(/[\d.]+/g).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
	return .2126 * r + .7152 * g + .0722 * b;
}`

// tooFaint lists the texts whose contrast with what lies behind them is below WCAG's 4.5.
const tooFaint = `(() => {
	const luminance = ` + luminance + `;
	const behind = element => {
		const color = getComputedStyle(element).backgroundColor;
		return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : luminance(color);
	};
	const faint = [];
	const check = (name, element, pseudo) => {
		const [low, high] = [luminance(getComputedStyle(element, pseudo).color), behind(element)].sort((a, b) => a - b);
		const contrast = (high + .05) / (low + .05);
		if (!(contrast >= 4.5)) faint.push(name + " " + contrast.toFixed(2));
	};
	const header = document.getElementById("header"), state = header.dataset.state;
	for (const s of ["waiting", "live", "lost", "late", "paused", "refused", "unsupported"]) {
		header.dataset.state = s;
		check("header, " + s, header);
	}
	header.dataset.state = state;
	for (const selector of [".badge", ".topics", "th", "td", ".latest"]) check(selector, document.querySelector(selector));
	check("local time", document.querySelector("td"), "::after");
	return faint;
})()`

func TestPageIsReadableInLightAndDark(t *testing.T) {
	t.Parallel()
	s := start(t) // An event every two seconds, as the README says.
	tb := newWindow(t)
	tb.do(chromedp.EmulateViewport(800, 480))
	tb.prefer("color-scheme", "light")
	tb.visit(s.url)
	tb.waitForRows(7)
	const ground = `(` + luminance + `)(getComputedStyle(document.body).backgroundColor)`
	for _, scheme := range []string{"light", "dark"} {
		tb.prefer("color-scheme", scheme)
		if bright := eval[float64](tb, ground); (bright > 0.5) != (scheme == "light") {
			t.Errorf("the %s page has a ground of luminance %v", scheme, bright)
		}
		if faint := eval[[]string](tb, tooFaint); len(faint) > 0 {
			t.Errorf("hard to read in %s: %q", scheme, faint)
		}
		tb.screenshot(scheme + ".png")
	}
}

func TestPageFitsAPhone(t *testing.T) {
	t.Parallel()
	s := start(t) // An event every two seconds, as the README says.
	tb := newWindow(t)
	tb.do(chromedp.EmulateViewport(360, 640, chromedp.EmulateMobile, chromedp.EmulateTouch))
	tb.prefer("color-scheme", "light")
	tb.visit(s.url)
	tb.waitForRows(7)
	tb.screenshot("phone.png")

	stage := newStage(t)
	tb.visit(stage.url)
	stage.waitForClients(1)
	stage.send(1, `{"timestamp":1700000000,"message":"Hello"}`, strings.Repeat("0123456789", 100))
	tb.waitForLastRow(2)
	for _, width := range []int64{360, 320, 1200} {
		tb.do(chromedp.EmulateViewport(width, 640, chromedp.EmulateMobile, chromedp.EmulateTouch))
		if got := eval[int64](tb, "document.documentElement.scrollWidth"); got > width {
			t.Errorf("a screen of %d pixels has to be moved sideways over %d", width, got)
		}
		for _, text := range []string{waiting, live, lost, late, unsupported} {
			eval[any](tb, `document.getElementById("header").textContent = "`+text+`"`)
			const sticksOut = `(() => {
				const inner = document.getElementById("header").getBoundingClientRect();
				const outer = document.querySelector(".bar").getBoundingClientRect();
				return inner.top < outer.top || inner.bottom > outer.bottom || inner.right > outer.right;
			})()`
			if eval[bool](tb, sticksOut) {
				t.Errorf("%q sticks out of its bar on a screen of %d pixels", text, width)
			}
		}
	}
}
