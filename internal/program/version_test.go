package program

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersionSaysWhatTheBuildKnows(t *testing.T) {
	platform := " " + runtime.GOOS + "/" + runtime.GOARCH
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123abcd"}
	for want, info := range map[string]debug.BuildInfo{
		"sse v1.2.3, commit 0123abcd, go1.26.0": {
			GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"},
			Settings: []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "false"}},
		},
		"sse v1.2.3+dirty, commit 0123abcd and changes, go1.26.0": {
			GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3+dirty"},
			Settings: []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "true"}},
		},
		"sse (devel), commit unknown, go1.26.0": {GoVersion: "go1.26.0"},
	} {
		if got := versionOf(&info); got != want+platform {
			t.Errorf("%q, want %q", got, want+platform)
		}
	}
}
