package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// leastFigures is an expression that says how many figures the panels of examples/dashboard show, that which has the fewest.
const leastFigures = `Math.min(document.querySelectorAll("figure").length && 1000, ...Array.from(document.querySelectorAll("figure"), f => f.dataset.figures ?? 0))`

// panelNames is an expression that returns the names of the panels.
const panelNames = `Array.from(document.querySelectorAll("figure"), f => f.dataset.name)`

func TestDashboardExampleShowsAllPanelsAtOnceAndGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	need(t, "/proc/stat", "Linux")
	s := startExample(t, "dashboard")
	tb := newUser(t)
	tb.provoked = "Failed to load resource" // while the server is away
	tb.visit(s.url)
	tb.waitForState("Live")
	tb.waitFor(panelNames, "[cpu memory load heap goroutines clients]")
	tb.waitFor(leastFigures+" >= 3", true)
	tb.waitFor(`document.querySelector('[data-name="clients"] output').value`, "1 ")
	for name, most := range map[string]float64{"cpu": 100, "memory": 100, "heap": 1000, "goroutines": 1000} {
		value := eval[float64](tb, fmt.Sprintf(`parseFloat(document.querySelector('[data-name="%s"] output').value)`, name))
		if value < 0 || value > most {
			t.Errorf("%s is %v", name, value)
		}
	}

	// Who comes later has all that the first has, without waiting for anything: the figures are older than the request.
	asked := time.Now().UnixMilli()
	p := testkit.NewParser(s.do("GET", "/events", "", "").Body)
	old := make(map[string]int)
	for name := ""; old["clients"] < 3; {
		line, err := p.Line()
		if err != nil {
			t.Fatal(err)
		}
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			var figure struct{ At int64 }
			if name == "panels" {
				old[name]++
			} else if err := json.Unmarshal([]byte(value), &figure); err != nil || figure.At >= asked {
				t.Fatalf("a new client begins with %v, then with %s: %s, %v", old, name, value, err)
			} else {
				old[name]++
			}
		}
	}
	if old["panels"] != 1 || old["cpu"] < 3 || old["memory"] < 3 {
		t.Errorf("a new client begins with %v", old)
	}

	shown := eval[int](tb, leastFigures)
	s.kill()
	tb.waitForState("The server is away")
	if !eval[bool](tb, `document.getElementById("panels").classList.contains("stale")`) {
		t.Error("old figures look like new ones")
	}
	s.restart()
	tb.waitForState("Live")
	tb.waitFor(fmt.Sprint(leastFigures, " >= ", shown+3), true)
	// What came before the restart is still there, and the line has a gap.
	if path := eval[string](tb, `document.querySelector('[data-name="cpu"] path').getAttribute("d")`); strings.Count(path, "M") != 2 {
		t.Errorf("the line is %q", path)
	}
}

func TestDashboardExampleShowsThePanelsThatTheURLNames(t *testing.T) {
	t.Parallel()
	need(t, "/proc/stat", "Linux")
	s := startExample(t, "dashboard")
	tb := newUser(t)
	tb.visit(s.url + "/?panel=load&panel=heap")
	tb.waitFor(leastFigures+" >= 2", true)
	if names := eval[[]string](tb, panelNames); fmt.Sprint(names) != "[load heap]" {
		t.Errorf("the panels are %v", names)
	}
	if resp := s.do("GET", "/events?panel=load&panel=other", "", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a panel that is none: %s", resp.Status)
	}
	// A topic is not what the URL calls one.
	p := testkit.NewParser(s.do("GET", "/events?panel=load&topic=cpu&lastEventId=0", "", "").Body)
	for line, err := "", error(nil); ; {
		if line, err = p.Line(); err != nil {
			t.Fatal(err)
		}
		if data, isData := strings.CutPrefix(line, "data: ["); isData && !json.Valid([]byte("["+data)) {
			t.Errorf("the panels are %q", line)
		}
		if name, isName := strings.CutPrefix(line, "event: "); isName && name != "panels\n" {
			if name != "load\n" {
				t.Errorf("an event of %q", name)
			}
			break
		}
	}
}
