package rights

import (
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kataras/golog"
)

// captureLog returns what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	log := new(bytes.Buffer)
	golog.SetOutput(log)
	t.Cleanup(func() { golog.SetOutput(os.Stdout) })
	return log
}

// A key is replaced in service: the new one is added, then the old one is removed.
func TestReplacedKeyIsTakenWithoutARestart(t *testing.T) {
	log := captureLog(t)
	one, two := pairs()[4], pairs()[5]
	first, second := one.token(t), two.token(t)
	file := write(t, one.public)
	synctest.Test(t, func(t *testing.T) {
		keys, _, err := Load(file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			what, content string
			first, second bool
			logged        string
		}{
			{"the first", one.public, true, false, ""},
			{"both, half written", one.public + two.public[:30], true, false, "cut off or damaged; what was read before is kept"},
			{"both", one.public + two.public, true, true, "the keys of tokens: renewed"},
			{"both, in another order", two.public + "a comment\n" + one.public, true, true, "renewed"},
			{"nothing", "", true, true, "empty"},
			{"nothing, still", "", true, true, ""},
			{"a private key", pkcs8(two.private), true, true, ""},
			{"the second", two.public, false, true, "renewed"},
			{"the first, again", one.public, true, false, "renewed"},
			{"a secret", secret, false, false, "renewed"},
			{"no file", "-", false, false, "no such file"},
		} {
			log.Reset()
			if rewrite(t, file, step.content); step.content == "-" {
				os.Remove(file)
			}
			time.Sleep(time.Second)
			for range 2 {
				if _, err := keys.Verify(first, now); (err == nil) != step.first {
					t.Errorf("%s: the first token: %v", step.what, err)
				}
				if _, err := keys.Verify(second, now); (err == nil) != step.second {
					t.Errorf("%s: the second token: %v", step.what, err)
				}
				time.Sleep(time.Second)
			}
			if got := log.String(); strings.Count(got, "\n") > 1 || !strings.Contains(got, step.logged) || (got == "") != (step.logged == "") {
				t.Errorf("%s: the log says %q, want %q", step.what, got, step.logged)
			}
			if strings.Contains(log.String(), secret[:8]) || strings.Contains(log.String(), "MC") {
				t.Errorf("%s: the log shows what the file holds: %q", step.what, log)
			}
		}
	})
}

// A stream learns that its key is gone also while nobody comes with a token.
func TestTokenIsRevokedWithItsKey(t *testing.T) {
	captureLog(t)
	one, two := pairs()[4], pairs()[5]
	first, second := one.token(t), two.token(t)
	file := write(t, one.public+two.public)
	synctest.Test(t, func(t *testing.T) {
		keys, _, err := Load(file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { keys.Follow(ctx.Done()) })
		a, err := keys.Verify(first, now)
		if err != nil {
			t.Fatal(err)
		}
		b, err := keys.Verify(second, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			content string
			a, b    bool // is it revoked?
		}{
			{one.public + two.public, false, false},
			{two.public + one.public + "a comment", false, false},
			{two.public[:30], false, false},
			{two.public, true, false},
			{one.public + two.public, true, false}, // The key is there again, but its streams were told.
			{secret, true, true},
		} {
			rewrite(t, file, step.content)
			time.Sleep(2 * time.Second)
			if got := a.Revoked.Err() != nil; got != step.a {
				t.Errorf("with %.40q: the first is revoked: %v", step.content, got)
			}
			if got := b.Revoked.Err() != nil; got != step.b {
				t.Errorf("with %.40q: the second is revoked: %v", step.content, got)
			}
			if step.content == one.public+two.public {
				if again, err := keys.Verify(first, now); err != nil || again.Revoked.Err() != nil {
					t.Errorf("a new token of a key that is there is revoked, %v", err)
				}
			}
		}
		cancel()
		following.Wait()
	})
}

// Tokens are verified while the keys change.
func TestKeysAreSafeForConcurrentUse(t *testing.T) {
	captureLog(t)
	one, two := pairs()[4], pairs()[5]
	first := one.token(t)
	file := write(t, one.public)
	synctest.Test(t, func(t *testing.T) {
		keys, _, err := Load(file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var users sync.WaitGroup
		users.Go(func() { keys.Follow(ctx.Done()) })
		for range 4 {
			users.Go(func() {
				for ctx.Err() == nil {
					if _, err := keys.Verify(first, now); err != nil {
						t.Error(err)
					}
					time.Sleep(400 * time.Millisecond)
				}
			})
		}
		for i := range 10 {
			rewrite(t, file, one.public+strings.Repeat(two.public, i%2))
			time.Sleep(time.Second)
		}
		cancel()
		users.Wait()
	})
}
