package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/program"
	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// asMain in the environment makes the test binary the server itself.
const asMain = "SSE_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(testkit.Main(m, nil))
}

// command returns the server's command, not yet started. It is killed after testkit.Limit.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, self, args...)
	testkit.EndWithTest(cmd)
	cmd.Env = append(os.Environ(), asMain+"=1")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// start starts the server and waits until it serves.
func start(t *testing.T, args ...string) (cmd *exec.Cmd, url string, stdout *bytes.Buffer) {
	t.Helper()
	addr := testkit.FreeAddr(t)
	cmd, stdout, stderr := command(t, append(args, "-addr", addr)...)
	return cmd, serve(t, cmd, stderr, addr), stdout
}

// serve starts a server's command and waits until it serves on an address.
func serve(t *testing.T, cmd *exec.Cmd, stderr *bytes.Buffer, addr string) (url string) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the server printed on stderr: %s", stderr)
		}
	})
	url = "http://" + addr
	testkit.Eventually(t, func() error {
		response, err := testkit.Client.Get(url + "/healthz")
		if err == nil {
			response.Body.Close()
		}
		return err
	})
	return url
}

// waitForStats waits until the server's figures satisfy a condition.
func waitForStats(t *testing.T, url string, satisfy func(sse.Stats) bool) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var stats sse.Stats
		if err := json.Unmarshal(testkit.Get(t, testkit.Client, url+"/stats"), &stats); err != nil {
			t.Fatal(err)
		}
		if !satisfy(stats) {
			return fmt.Errorf("the server's figures are %+v", stats)
		}
		return nil
	})
}

// wantOneLine checks that the server has said one line that contains each of the words.
func wantOneLine(t *testing.T, said *bytes.Buffer, words ...string) {
	t.Helper()
	line := said.String()
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("not one line: %q", line)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("no %q in %q", word, line)
		}
	}
}

func TestEveryClientGetsTheDemosEvents(t *testing.T) {
	cmd, url, stdout := start(t, "-interval", "50ms")
	for range 3 {
		response, err := testkit.Client.Get(url + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		stream := testkit.NewParser(response.Body)
		for range 3 {
			next, err := stream.Next()
			if err != nil {
				t.Fatal(err)
			}
			data := next.Data
			var e struct {
				Timestamp int64
				Message   string
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			told, ok := strings.CutPrefix(e.Message, "Hello at ")
			if at, err := time.Parse(time.RFC1123, told); !ok || err != nil || at.Unix() != e.Timestamp {
				t.Errorf("%s: %v", data, err)
			}
			if age := time.Since(time.Unix(e.Timestamp, 0)); age < 0 || age > time.Minute {
				t.Errorf("%s is %v old", data, age)
			}
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait() // Until then stdout is being written.
	if line, _, _ := strings.Cut(stdout.String(), "\n"); line != "Now listening on: "+url+" (all topics are open)" {
		t.Errorf("the first line does not say where to point the browser: %q", line)
	}
}

func TestRoutes(t *testing.T) {
	broker := sse.NewBroker()
	source, rights := &program.Source{Publish: broker.Publish}, new(program.Rights)
	app := newApp(t.Context(), broker, source, rights)
	program.Figures{Broker: broker, Source: source, Rights: rights}.Register(app)
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	defer server.Close()
	want := func(method, path string, status int, words ...string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := testkit.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if response.StatusCode != status || err != nil {
			t.Errorf("%s %s: status %d, want %d, error %v", method, path, response.StatusCode, status, err)
		}
		for _, word := range words {
			if !strings.Contains(string(body), word) {
				t.Errorf("%s %s: no %q in %s", method, path, word, body)
			}
		}
	}
	want("GET", "/", 200, `id="header"`, `id="messagesTable"`, "SSE", "Waiting for messages...", "Timestamp (server)", "Message")
	want("HEAD", "/", 200)
	want("POST", "/", 405)
	want("GET", "/missing", 404)
	want("GET", "/healthz", 200, "ok")
	want("GET", "/stats", 200, `"clients":0`, `"clients_total":0`, `"events":0`, `"slow_clients":0`, `"resumes":0`, `"resumes_incomplete":0`, `"publications":{`)
	want("GET", "/metrics", 200, "\nsse_clients 0\n", "\nsse_connects_total 0\n")
	want("HEAD", "/metrics", 200)
	want("POST", "/metrics", 405)
	if err := broker.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("GET", "/healthz", 503)
	want("GET", "/events", 200, "retry: ")
}
