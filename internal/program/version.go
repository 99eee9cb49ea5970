package program

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version returns the program's version, the commit that it was built from, and Go's version, in one line. A
// build outside of a repository, and that of go run, knows neither version nor commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return versionOf(info)
}

// versionOf is Version of a build.
func versionOf(info *debug.BuildInfo) string {
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	version, commit := info.Main.Version, settings["vcs.revision"]
	if version == "" {
		version = "(devel)" // as Go says where it does not know
	}
	if commit == "" {
		commit = "unknown"
	}
	if settings["vcs.modified"] == "true" {
		commit += " and changes"
	}
	return fmt.Sprintf("sse %s, commit %s, %s %s/%s", version, commit, info.GoVersion, runtime.GOOS, runtime.GOARCH)
}
