package a

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"helper"
)

func direct(t testing.TB) { t.FailNow() } // want direct:"ends the test"

func through(t *testing.T) { direct(t) } // want through:"ends the test"

type server struct{ t *testing.T }

func (s *server) stop() { through(s.t) } // want stop:"ends the test"

func starts(t *testing.T) { go func() { t.Fatal() }() } // want `t.Fatal ends the test`

func registers(t *testing.T) {
	t.Cleanup(func() { t.Fatal() })
	t.Run("", func(t *testing.T) { t.Fatal() })
}

func returned(t *testing.T) error { // want returned:"ends the test"
	t.Skip("")
	return nil
}

func TestWrong(t *testing.T) {
	s := &server{t}
	local := func() { s.stop() }
	var group sync.WaitGroup
	var errs errgroup.Group
	go direct(t)    // want `direct ends the test`
	go s.stop()     // want `s.stop ends the test`
	go local()      // want `local ends the test`
	group.Go(local) // want `local ends the test`
	go func() {
		helper.Must(t, nil, 1) // want `helper.Must ends the test`
	}()
	go func() {
		each(func() { t.Fatalf("") }) // want `t.Fatalf ends the test`
	}()
	group.Go(func() { through(t) })                       // want `through ends the test`
	errs.Go(func() error { return returned(t) })          // want `returned ends the test`
	time.AfterFunc(time.Second, s.stop)                   // want `s.stop ends the test`
	time.AfterFunc(time.Second, func() { defer local() }) // want `local ends the test`
	_ = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.FailNow() // want `t.FailNow ends the test`
	})
}

func each(f func()) { f() }

func TestRight(t *testing.T) { // want TestRight:"ends the test"
	local := func() { direct(t) }
	local()
	go starts(t)
	go registers(t)
	go func() {
		t.Error()
		helper.Check(t, nil)
		t.Run("", func(t *testing.T) { t.Fatal() })
		fatal := func() { t.Fatal() }
		t.Cleanup(fatal)
	}()
	t.Cleanup(func() { t.Fatal() })
	helper.Must(t, nil, 1)
}
