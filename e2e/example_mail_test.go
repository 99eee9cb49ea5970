package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// logInToMail loads the page of examples/mail, and logs a user in.
func (tb *tab) logInToMail(s *server, user, password string) {
	tb.t.Helper()
	tb.provoked = "401" // The browser says it on the console before anybody is logged in.
	tb.visit(s.url)
	tb.waitForState("Log in")
	tb.submit("login", map[string]string{"user": user, "password": password})
}

func TestMailExampleShowsEachUserTheOwnMailAlone(t *testing.T) {
	t.Parallel()
	s := startExample(t, "mail")
	anna, bert := newUser(t), newUser(t)
	anna.logInToMail(s, "anna", "opensesame")
	anna.waitForState("Wrong user or password")
	anna.submit("login", map[string]string{"user": "anna", "password": "swordfish"})
	anna.waitForState("Mail of anna")
	bert.logInToMail(s, "bert", "opensesame")
	bert.waitForState("Mail of bert")

	const html = "<b>two</b>"
	anna.submit("send", map[string]string{"to": "bert", "subject": "one"})
	bert.waitFor(texts("#mails li"), "[annaone]")
	bert.submit("send", map[string]string{"to": "anna", "subject": html})
	anna.waitFor(texts("#mails li"), "[bert"+html+"]") // and not what she has sent
	bert.submit("send", map[string]string{"to": "bert", "subject": "three"})
	bert.waitFor(texts("#mails li"), "[bertthree annaone]")

	// A page that is loaded again shows all, and goes on.
	bert.travel(0)
	bert.waitFor(texts("#mails li"), "[bertthree annaone]")
	anna.submit("send", map[string]string{"to": "bert", "subject": "four"})
	bert.waitFor(texts("#mails li"), "[annafour bertthree annaone]")
	anna.waitFor(texts("#mails li"), "[bert"+html+"]")
}

// Over a restart the browser reconnects, and is asked to log in: the sessions were in memory.
func TestMailExampleEndsTheStreamWithTheSession(t *testing.T) {
	t.Parallel()
	t.Run("log-out in another tab", func(t *testing.T) {
		s := startExample(t, "mail")
		anna := newUser(t)
		anna.logInToMail(s, "anna", "swordfish")
		anna.waitForState("Mail of anna")
		other := anna.another()
		other.provoked = "401"
		other.visit(s.url)
		other.waitForState("Mail of anna")
		other.click("#logout")
		other.waitForState("Log in")
		anna.waitForState("Log in")
		if n := eval[int](anna, `document.querySelectorAll("#mailbox:not([hidden])").length`); n > 0 {
			t.Error("the mailbox is still shown")
		}
	})
	t.Run("its time is over", func(t *testing.T) {
		s := startExample(t, "mail", "-session", "8s")
		anna := newUser(t)
		anna.logInToMail(s, "anna", "swordfish")
		anna.waitForState("Mail of anna")
		anna.waitForState("Log in")
	})
	t.Run("the server restarts", func(t *testing.T) {
		s := startExample(t, "mail")
		anna := newUser(t)
		anna.logInToMail(s, "anna", "swordfish")
		anna.waitForState("Mail of anna")
		anna.provoked = "Failed to load resource"
		s.restart()
		anna.waitForState("Log in")
	})
}

// Whatever a URL says, a stream has its user's mail only.
func TestMailExampleTakesNoTopicFromTheURL(t *testing.T) {
	t.Parallel()
	s := startExample(t, "mail")
	for _, request := range [][2]string{{"GET", "/events"}, {"GET", "/events?topic=mail/anna"}, {"GET", "/box"}, {"POST", "/send"}, {"POST", "/logout"}} {
		for _, cookie := range []string{"", "session=", "session=anna", "session=made-up"} {
			if resp := s.do(request[0], request[1], cookie, ""); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with the cookie %q: %s", request, cookie, resp.Status)
			}
		}
	}
	logIn := func(form string) string {
		cookies := s.do("POST", "/login", "", form).Cookies()
		if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
			t.Fatalf("logging in sets %v", cookies)
		}
		return cookies[0].Name + "=" + cookies[0].Value
	}
	anna, bert := logIn("user=anna&password=swordfish"), logIn("user=bert&password=opensesame")
	for _, mail := range []string{"to=anna&subject=for+anna", "to=bert&subject=for+bert"} {
		if resp := s.do("POST", "/send", anna, mail); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	events := testkit.NewParser(s.do("GET", "/events?topic=mail/anna&lastEventId=0", bert, "").Body)
	if e, err := events.Next(); err != nil || e.Name != "mail" || !strings.Contains(e.Data, `"from":"anna","subject":"for bert"`) {
		t.Errorf("got %+v, %v", e, err)
	}
	s.do("POST", "/logout", bert, "")
	if e, err := events.Next(); err != io.EOF {
		t.Errorf("after the log-out there is %+v, %v", e, err)
	}
	other := s.do("POST", "/login", "", "user=anna")
	if other.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a password: %s", other.Status)
	}
}
