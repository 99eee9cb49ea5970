package main

import (
	"encoding/json"
	"errors"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestWrongCommandLineIsOneLineAndExit2(t *testing.T) {
	for _, test := range []struct {
		args string
		word string
	}{
		{"-foo", "-foo"},
		{"-interval 0s", "positive"},
		{"-history 0", "positive"},
		{"-history 4MiB", "4MiB"},
		{"-heartbeat 10ms", "at least 1s"},
		{"-interval -1s", "positive"},
		{"-interval soon", "soon"},
		{"-addr", "-addr"},
		{"extra", "extra"},
		{"-cert a.pem", "-key"},
		{"-key a.pem", "-cert"},
		{"-nats-creds a.creds", "-nats"},
		{"-allow-origin https://a.example", "-publish-token-file"},
		{"-allow-origin https://a.example", "-jwt-key-file"},
		{"-jwt-cookie token", "-jwt-cookie goes with -jwt-key-file"},
		{"-jwt-default-topic", "-jwt-default-topic goes with -jwt-key-file"},
		{"-jwt-audience us -publish-token-file a", "-jwt-audience goes with -jwt-key-file"},
		{"-jwt-issuer me", "-jwt-issuer goes with -jwt-key-file"},
		{"-jwt-key-file a -jwt-cookie a;b", "no name of a cookie"},
		{"-jwt-key-file a -jwt-cookie=", "empty"},
		{"-publish-token-file a -allow-origin *", "such as https://"},
		{"-publish-token-file a -allow-origin https://a.example/app", "write https://a.example"},
		{"-publish-token-file a -allow-origin=", "empty"},
		{"-publish-token-file=", "-publish-token-file is empty"},
		{"-nats=", "-nats is empty"},
		{"-addr=", "-addr is empty"},
		{"-nats localhost -nats-replicas 0", "positive"},
		{"-nats localhost -data events", "exclude each other"},
		{"-data-bytes 1000", "-data"},
		{"-data events -data-bytes 0", "positive"},
		{"-data events -data-bytes 1099511627777", "at most 1099511627776"},
		{"-data=", "-data is empty"},
		{"-log xml", "json"},
		{"-drain -1s", "negative"},
		{"-nats http://me:secret@localhost", "not a list of NATS URLs"},
	} {
		t.Run(test.args, func(t *testing.T) {
			cmd, stdout, stderr := command(t, strings.Fields(test.args)...)
			var exit *exec.ExitError
			if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("exit: %v", err)
			}
			wantOneLine(t, stderr, test.word)
			if stdout.Len() > 0 {
				t.Errorf("stdout: %s", stdout)
			}
		})
	}
}

// What a variable says wrong is one line that names the variable, wherever it is noticed.
func TestWrongVariableIsOneLineAndExit2(t *testing.T) {
	for _, test := range []struct{ variable, args, word string }{
		{"SSE_INTERVAL=soon", "", "soon"},
		{"SSE_INTERVAL=0s", "", "positive"},
		{"SSE_HISTORY=4MiB", "", "4MiB"},
		{"SSE_HEARTBEAT=10ms", "", "at least 1s"},
		{"SSE_KEY=a.pem", "", "-cert"},
		{"SSE_ALLOW_ORIGIN=https://a.example", "", "-publish-token-file"},
		{"SSE_ALLOW_ORIGIN=*", "-publish-token-file a", "such as https://"},
		{"SSE_NATS_CREDS=a.creds", "", "-nats"},
		{"SSE_NATS_REPLICAS=0", "-nats localhost", "positive"},
		{"SSE_NATS=http://me:secret@localhost", "", "not a list of NATS URLs"},
	} {
		t.Run(test.variable, func(t *testing.T) {
			cmd, stdout, stderr := command(t, strings.Fields(test.args)...)
			cmd.Env = append(cmd.Env, test.variable)
			var exit *exec.ExitError
			if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("exit: %v", err)
			}
			name, _, _ := strings.Cut(test.variable, "=")
			wantOneLine(t, stderr, name, test.word)
			if strings.Contains(stderr.String(), "secret") {
				t.Errorf("it repeats a password: %s", stderr)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: %s", stdout)
			}
		})
	}
}

func TestFileThatAVariableNamesAndIsMissingIsOneLineAndExit1(t *testing.T) {
	cmd, _, stderr := command(t)
	cmd.Env = append(cmd.Env, "SSE_PUBLISH_TOKEN_FILE=missing")
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	wantOneLine(t, stderr, "SSE_PUBLISH_TOKEN_FILE", "no such file")
}

func TestLogInJSONSaysInJSONWhyItEnds(t *testing.T) {
	for args, word := range map[string]string{"-log json -interval soon": "soon", "-log json -cert missing.pem -key missing.pem": "missing.pem"} {
		cmd, stdout, stderr := command(t, strings.Fields(args)...)
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || stdout.Len() > 0 {
			t.Errorf("%s: %v, %s", args, err, stdout)
		}
		wantOneLine(t, stderr, word)
		var line struct{ Time, Level, Message string }
		if err := json.Unmarshal(stderr.Bytes(), &line); err != nil || line.Level != "error" || line.Time == "" || !strings.Contains(line.Message, word) {
			t.Errorf("%s: %q: %v", args, stderr, err)
		}
	}
}

func TestVersionIsOneLine(t *testing.T) {
	cmd, stdout, stderr := command(t, "-version")
	cmd.Env = append(cmd.Env, "SSE_INTERVAL=wrong") // whatever else is said
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, %s", err, stderr)
	}
	wantOneLine(t, stdout, "sse ", "commit ", runtime.Version())
}

func TestHelpListsEveryFlag(t *testing.T) {
	cmd, stdout, stderr := command(t, "-h")
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, %s", err, stderr)
	}
	for _, word := range []string{"-addr", ":8080", "-interval", "2s", "-cert", "-key", "-publish-token-file", "-allow-origin", "-jwt-key-file", "-jwt-cookie", "-jwt-default-topic", "-history", "-heartbeat", "15s", "/events", "SSE_PUBLISH_TOKEN_FILE"} {
		if !strings.Contains(stdout.String(), word) {
			t.Errorf("no %q in\n%s", word, stdout)
		}
	}
}

func TestPortInUseIsOneLineAndExit1(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd, stdout, stderr := command(t, "-addr", l.Addr().String())
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	wantOneLine(t, stderr, l.Addr().String(), "in use")
	if stdout.Len() > 0 {
		t.Errorf("stdout: %s", stdout)
	}
}

func TestUnreadableCertificateIsOneLineAndExit1(t *testing.T) {
	cmd, _, stderr := command(t, "-cert", "missing.pem", "-key", "missing.pem")
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("exit: %v", err)
	}
	wantOneLine(t, stderr, "missing.pem")
}
