package e2e

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// openConsole loads the page of examples/console as an admin, whose password the browser remembers.
func openConsole(t *testing.T, url, who, password string) *tab {
	t.Helper()
	tb := newUser(t)
	tb.provoked = "ERR_" // what the browser says where the network is cut
	tb.visit(strings.Replace(url, "://", "://"+who+":"+password+"@", 1))
	tb.visit(url)
	tb.waitFor(`document.getElementById("state").textContent.split(",")[0]`, who)
	return tb
}

// turn presses a switch of examples/console.
func (tb *tab) turn(name string) { tb.click(`#switches [name="` + name + `"]`) }

// pressed is an expression that tells whether a switch of examples/console is on.
func pressed(name string) string {
	return `document.querySelector('#switches [name="` + name + `"]').getAttribute("aria-pressed")`
}

func TestConsoleExampleShowsWhatOthersDoAndTheOwnOnce(t *testing.T) {
	t.Parallel()
	s := startExample(t, "console")
	anna, bert, carl := openConsole(t, s.url, "anna", "swordfish"), openConsole(t, s.url, "bert", "opensesame"), openConsole(t, s.url, "carl", "letmein")
	all := []*tab{anna, bert, carl}
	entries := texts("#entries li")
	bert.turn("checkout")
	for _, tb := range all {
		tb.waitFor(entries, "[bertcheckout on]")
		tb.waitFor(pressed("checkout"), "true")
		others := 1
		if tb == bert {
			others = 0
		}
		tb.waitFor(`document.querySelectorAll("#entries .others").length`, others)
	}
	carl.turn("sign-up")
	bert.waitFor(pressed("sign-up"), "true")
	bert.turn("sign-up")
	for _, tb := range all {
		tb.waitFor(entries, "[bertsign-up off carlsign-up on bertcheckout on]")
		tb.waitFor(pressed("sign-up"), "false")
	}

	// A role sees more.
	const html = "<b>sales</b>"
	anna.submit("note", map[string]string{"text": html})
	anna.waitFor(entries, "[anna"+html+" bertsign-up off carlsign-up on bertcheckout on]")
	bert.turn("newsletter")
	carl.waitFor(entries, "[bertnewsletter on bertsign-up off carlsign-up on bertcheckout on]")
	anna.waitFor(entries, "[bertnewsletter on anna"+html+" bertsign-up off carlsign-up on bertcheckout on]")
	carl.waitFor(`document.getElementById("note").hidden`, true)

	// A page that is loaded again shows the same.
	carl.travel(0)
	carl.waitFor(entries, "[bertnewsletter on bertsign-up off carlsign-up on bertcheckout on]")
	carl.waitFor(pressed("newsletter"), "true")
}

func TestConsoleExampleSaysWhatWasMissedAndLoadsTheListAnew(t *testing.T) {
	t.Parallel()
	s := startExample(t, "console", "-history", "1")
	proxy := newRelay(t, s.addr)
	anna, bert := openConsole(t, "http://"+proxy.addr, "anna", "swordfish"), openConsole(t, s.url, "bert", "opensesame")
	entries := texts("#entries li")
	bert.turn("checkout")
	anna.waitFor(entries, "[bertcheckout on]")

	// Who was away for a moment gets what was missed.
	proxy.cut()
	bert.turn("sign-up")
	bert.waitFor(entries, "[bertsign-up on bertcheckout on]")
	proxy.pass()
	anna.waitFor(entries, "[bertsign-up on bertcheckout on]")
	anna.waitFor("missed.hidden", true)

	proxy.cut()
	for _, name := range []string{"sign-up", "checkout", "newsletter"} {
		before := eval[string](bert, pressed(name))
		bert.turn(name)
		bert.waitFor(pressed(name)+" !== "+"\""+before+"\"", true)
	}
	proxy.pass()
	anna.waitFor(entries, "[bertnewsletter on bertcheckout off bertsign-up off bertsign-up on bertcheckout on]")
	anna.waitFor("missed.hidden", false)
	anna.waitFor(pressed("checkout"), "false")
}

func TestConsoleExampleGivesARoleWhatItMayRead(t *testing.T) {
	t.Parallel()
	s := startExample(t, "console")
	ask := func(method, path, who, password string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader("on=true&text=secret"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if who != "" {
			r.SetBasicAuth(who, password)
		}
		resp, err := streaming.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	for _, test := range []struct {
		method, path, who, password string
		want                        int
	}{
		{"GET", "/", "", "", http.StatusUnauthorized},
		{"GET", "/state", "", "", http.StatusUnauthorized},
		{"GET", "/events", "", "", http.StatusUnauthorized},
		{"GET", "/events", "anna", "opensesame", http.StatusUnauthorized},
		{"POST", "/switches/checkout", "", "", http.StatusUnauthorized},
		{"POST", "/notes", "bert", "opensesame", http.StatusForbidden},
		{"POST", "/switches/other", "bert", "opensesame", http.StatusNotFound},
		{"POST", "/notes", "anna", "swordfish", http.StatusOK},
		{"POST", "/switches/checkout", "bert", "opensesame", http.StatusOK},
	} {
		if resp := ask(test.method, test.path, test.who, test.password); resp.StatusCode != test.want {
			t.Errorf("%+v: %s", test, resp.Status)
		}
	}
	for who, want := range map[[2]string]int{{"anna", "swordfish"}: 2, {"bert", "opensesame"}: 1} {
		events := testkit.NewParser(ask("GET", "/events?topic=console/owners&lastEventId=0", who[0], who[1]).Body)
		secrets := 0
		for range want {
			e, err := events.Next()
			if err != nil || e.Name != "entry" {
				t.Fatalf("%s got %+v, %v", who, e, err)
			}
			secrets += strings.Count(e.Data, "secret")
		}
		if secrets != want-1 {
			t.Errorf("%s got %d notes", who, secrets)
		}
	}
}
