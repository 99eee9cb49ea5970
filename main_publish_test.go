package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/program"
	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

func TestTokenFileThatCannotBeUsedIsOneLineAndExit1(t *testing.T) {
	file := filepath.Join(t.TempDir(), "missing")
	cmd, stdout, stderr := command(t, "-publish-token-file", file)
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	wantOneLine(t, stderr, "-publish-token-file", file, "no such file")
	if stdout.Len() > 0 {
		t.Errorf("stdout: %s", stdout)
	}
}

func TestTokenFileThatOthersMayReadIsAWarning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("\ufeffswordfish\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil { // whatever the umask
		t.Fatal(err)
	}
	addr := testkit.FreeAddr(t)
	cmd, _, stderr := command(t, "-publish-token-file", file, "-allow-origin", "https://a.example", "-allow-origin", "https://b.example,http://c.example", "-addr", addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		wantOneLine(t, stderr, "-publish-token-file", file, "chmod")
	})
	for _, origin := range []string{"https://a.example", "https://b.example", "http://c.example"} {
		testkit.Eventually(t, func() error {
			request, err := http.NewRequest("POST", "http://"+addr+"/events", strings.NewReader("x"))
			if err != nil {
				return err
			}
			request.Header.Set("Authorization", "Bearer swordfish")
			request.Header.Set("Origin", origin)
			response, err := testkit.Client.Do(request)
			if err != nil {
				return err
			}
			response.Body.Close()
			if got := response.Header.Get("Access-Control-Allow-Origin"); response.StatusCode != 204 || got != origin {
				t.Errorf("%s: %s, %q", origin, response.Status, got)
			}
			return nil
		})
	}
}

// A page of another origin reads no answer that does not name it, and follows no redirect without such an answer.
func TestEveryAnswerOfTheStreamsPathCanBeReadByOtherOrigins(t *testing.T) {
	broker := sse.NewBroker()
	rights := &program.Rights{PublishToken: func() string { return "swordfish" }}
	app := newApp(t.Context(), broker, &program.Source{Publish: broker.Publish}, rights)
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	defer broker.Shutdown(t.Context())
	for _, path := range []string{"/events", "/events/", "/events?lastEventId=1", "/events/?lastEventId=1"} {
		for method, status := range map[string]int{"GET": 505, "HEAD": 200, "OPTIONS": 204, "PUT": 405, "BREW": 405, "POST": 401} {
			recorder := httptest.NewRecorder() // To this nothing can be streamed.
			app.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
			want := []string{"*"}
			if method == "POST" {
				want = nil // Only those that may publish can read it.
			}
			if got := recorder.Header().Values("Access-Control-Allow-Origin"); recorder.Code != status || !slices.Equal(got, want) {
				t.Errorf("%s %s: %d, want %d, Access-Control-Allow-Origin %q", method, path, recorder.Code, status, got)
			}
			if method == "PUT" && recorder.Header().Get("Allow") != "GET, HEAD, OPTIONS, POST" {
				t.Errorf("%s %s: Allow %q", method, path, recorder.Header().Get("Allow"))
			}
		}
	}
}

func TestAllowNamesTheMethodsThereAre(t *testing.T) {
	for _, post := range []bool{false, true} {
		broker := sse.NewBroker()
		rights, want := new(program.Rights), "GET, HEAD, OPTIONS"
		if post {
			rights.PublishToken = func() string { return "swordfish" }
			want = "GET, HEAD, OPTIONS, POST"
		}
		app := newApp(t.Context(), broker, &program.Source{Publish: broker.Publish}, rights)
		if err := app.Build(); err != nil {
			t.Fatal(err)
		}
		methods := []string{"PUT", "DELETE", "BREW"}
		if !post {
			methods = append(methods, "POST")
		}
		for _, method := range methods {
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, httptest.NewRequest(method, "/events", nil))
			if got := recorder.Header().Get("Allow"); recorder.Code != 405 || got != want {
				t.Errorf("%s: %d, Allow %q, want %q", method, recorder.Code, got, want)
			}
		}
		if err := broker.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestNoAnswerIsSniffed(t *testing.T) {
	broker := sse.NewBroker()
	app := newApp(t.Context(), broker, &program.Source{Publish: broker.Publish}, new(program.Rights))
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Shutdown(t.Context()); err != nil { // so that a stream ends at once
		t.Fatal(err)
	}
	for _, request := range []string{"GET /", "GET /events", "HEAD /events", "OPTIONS /events", "PUT /events", "GET /healthz", "GET /stats", "GET /missing", "POST /"} {
		method, path, _ := strings.Cut(request, " ")
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
		if got := recorder.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options is %q", request, got)
		}
	}
}

// What an app's middleware has set for all answers is there once, and ours where the two differ.
func TestNoHeaderComesTwice(t *testing.T) {
	broker := sse.NewBroker()
	app := newApp(t.Context(), broker, &program.Source{Publish: broker.Publish}, new(program.Rights))
	names := []string{"X-Content-Type-Options", "Cache-Control", "Content-Security-Policy", "Content-Type", "Allow"}
	app.UseRouter(func(ctx iris.Context) {
		for _, name := range names {
			ctx.ResponseWriter().Header().Set(name, "the app's")
		}
		ctx.Next()
	})
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"GET /", "HEAD /", "GET /page.js", "PUT /", "GET /healthz", "GET /stats", "GET /missing"} {
		method, path, _ := strings.Cut(request, " ")
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
		for _, name := range names {
			if got := recorder.Header().Values(name); len(got) != 1 {
				t.Errorf("%s: %s is %q", request, name, got)
			}
		}
		if request == "GET /" && strings.Contains(fmt.Sprint(recorder.Header()), "X-Content-Type-Options:[the app's]") {
			t.Errorf("%s: %v", request, recorder.Header())
		}
	}
	if err := broker.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestKeyFileThatCannotBeUsedIsOneLineAndExit1(t *testing.T) {
	dir := t.TempDir()
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, words := range map[string][]string{filepath.Join(dir, "missing"): {"no such file"}, short: {"32", "bytes"}} {
		cmd, stdout, stderr := command(t, "-jwt-key-file", file)
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("exit: %v", err)
		}
		wantOneLine(t, stderr, append(words, "-jwt-key-file", file)...)
		if stdout.Len() > 0 || strings.Contains(stderr.String(), "hunter2") {
			t.Errorf("it prints %s, %s", stdout, stderr)
		}
	}
}
