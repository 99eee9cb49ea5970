package main

import (
	"errors"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sse/sse"
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

func TestAllowNamesTheMethodsThereAre(t *testing.T) {
	for _, post := range []bool{false, true} {
		broker := sse.NewBroker()
		app := newApp(broker, nil)
		want := "GET, HEAD, OPTIONS"
		if post {
			app.Post("/events", sse.PublishHandler("swordfish", broker.Publish))
			want = "GET, HEAD, OPTIONS, POST"
		}
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
	app := newApp(broker, nil)
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
