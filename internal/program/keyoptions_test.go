package program

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestRightsAreWhatTheFilesSay(t *testing.T) {
	mode := os.FileMode(0o604)
	if runtime.GOOS == "windows" {
		mode = 0o600 // Windows has no such mode.
	}
	key, token := secretFile(t, mode), filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("swordfish"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := token + "x"
	for _, test := range []struct {
		args, variable, says string
		mayPublish           bool
		warning, err         string // what they begin with
	}{
		{"", "", "all topics are open", false, "", ""},
		{"-publish-token-file " + token, "", "all topics are open", true, "", ""},
		{"-jwt-key-file " + key, "", "all topics but the default one need a token", true, "-jwt-key-file: " + key, ""},
		{"-jwt-default-topic", "SSE_JWT_KEY_FILE=" + key, "all topics need a token", true, "SSE_JWT_KEY_FILE: " + key, ""},
		{"-jwt-key-file " + missing, "", "", false, "", "-jwt-key-file: open " + missing},
		{"", "SSE_JWT_KEY_FILE=" + token, "", false, "", "SSE_JWT_KEY_FILE: " + token}, // too short
		{"-publish-token-file " + missing + " -jwt-key-file " + key, "", "", false, "", "-publish-token-file: open " + missing},
	} {
		o, err := parse(test.args, test.variable)
		if err != nil {
			t.Fatal(err)
		}
		p, warnings, err := o.Rights()
		if test.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), test.err) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "swordfish") {
				t.Errorf("%q: the error is %v", test.args, err)
			}
			continue
		}
		if err != nil || p.String() != test.says || p.MayPublish() != test.mayPublish {
			t.Errorf("%q: %v, %v, %v", test.args, p, p.MayPublish(), err)
		}
		if all := strings.Join(warnings, "\n"); mode == 0o604 && (!strings.HasPrefix(all, test.warning) || (all == "") != (test.warning == "")) || strings.Contains(all, "\n") {
			t.Errorf("%q: the warnings are %q", test.args, all)
		}
	}
}
