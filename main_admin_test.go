package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestFiguresMoveToTheAdminAddress(t *testing.T) {
	admin := testkit.FreeAddr(t)
	_, url, _ := start(t, "-admin-addr", admin)
	for _, at := range []struct {
		url    string
		status map[string]int
	}{
		{url, map[string]int{"/stats": 404, "/metrics": 404, "/healthz": 200, "/": 200}},
		{"http://" + admin, map[string]int{"/stats": 200, "/metrics": 200, "/healthz": 200, "/": 404, "/events": 404}},
	} {
		for path, want := range at.status {
			response, err := testkit.Client.Get(at.url + path)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s%s: %s, want %d", at.url, path, response.Status, want)
			}
			if response.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s%s: the header is %v", at.url, path, response.Header)
			}
		}
	}
}

// What a client may cost is bounded at that address, too.
func TestAdminAddressHasTheLimitsOfThePublicOne(t *testing.T) {
	admin := testkit.FreeAddr(t)
	start(t, "-admin-addr", admin)
	for _, request := range []string{
		"GET /metrics HTTP/1.1\r\nHost:", // never completed
		"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", admin)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(testkit.Limit))
		io.WriteString(conn, request)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && response.StatusCode < 400 {
			t.Errorf("%.40q: %s", request, response.Status)
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Errorf("%.40q: the server waits for ever", request)
		}
	}
}

func TestAdminAddressThatCannotBeUsedIsOneLineAndExit1(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	same := testkit.FreeAddr(t)
	for _, test := range []struct{ addr, admin, word string }{
		{testkit.FreeAddr(t), taken.Addr().String(), "in use"},
		{same, same, "in use"},
		{testkit.FreeAddr(t), "127.0.0.1", "missing port"},
		{testkit.FreeAddr(t), "127.0.0.1:none", "none"},
	} {
		cmd, stdout, stderr := command(t, "-addr", test.addr, "-admin-addr", test.admin)
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%s: exit: %v", test.admin, err)
		}
		wantOneLine(t, stderr, "-admin-addr", test.word)
		if stdout.Len() > 0 {
			t.Errorf("%s: stdout: %s", test.admin, stdout)
		}
	}
}
