package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func TestTokenIsACommandOfTheProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for _, test := range []struct {
		args []string
		code int
		word string
	}{
		{[]string{"token"}, 2, "-key"},
		{[]string{"token", "-addr", ":8080"}, 2, "-addr"},
		{[]string{"token", "-key", file, "-subscribe", "mail/anna"}, 1, file},
	} {
		cmd, stdout, stderr := command(t, test.args...)
		var exit *exec.ExitError
		if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != test.code || stdout.Len() > 0 {
			t.Errorf("%q: %v, %q", test.args, err, stdout)
		}
		wantOneLine(t, stderr, test.word)
	}
	if err := os.WriteFile(file, []byte("0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, stdout, stderr := command(t, "token", "-key", file, "-subscribe", "mail/anna")
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, %q", err, stderr)
	}
	if !regexp.MustCompile(`^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}\n$`).Match(stdout.Bytes()) {
		t.Errorf("it prints %q", stdout)
	}
}
