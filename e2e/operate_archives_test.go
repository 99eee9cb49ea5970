package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// An archive has the server, and for each module in it the name and the text of its licence.
func TestArchivesHaveTheLicencesOfAllThatIsInThem(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds go-licenses")
	}
	dir := copyOfTheRepository(t)
	platform := runtime.GOOS + "/" + runtime.GOARCH
	shell := func(script string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	shell("dist/archives " + platform)
	name := "sse-unknown-" + strings.Replace(platform, "/", "-", 1) // The copy knows no version.
	shell("cd out && sha256sum -c SHA256SUMS && tar xzf " + name + ".tar.gz")
	files := shell("cd out/" + name + " && ls -d sse LICENSE NOTICE README.md MODULES.csv licenses")
	if n := strings.Count(files, "\n"); n != 6 {
		t.Errorf("it has %s", files)
	}
	list := read(t, filepath.Join(dir, "out", name, "MODULES.csv"))
	for _, m := range regexp.MustCompile(`(?m)^\t(?:dep|mod)\t(\S+)\t`).FindAllStringSubmatch(shell("go version -m out/"+name+"/sse"), -1) {
		module := m[1]
		if !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(module)+`(/\S*)?,[A-Z][A-Za-z]*-?[0-9.]*`).MatchString(list) || strings.Contains(list, module+",Unknown") {
			t.Errorf("the licence of %s is not in the list", module)
		}
		if texts := shell("find out/" + name + "/licenses/" + module + " -type f"); texts == "" {
			t.Errorf("there is no text of the licence of %s", module)
		}
	}
	if version := shell("out/" + name + "/sse -version"); !strings.HasPrefix(version, "sse (devel), commit unknown, go1.") {
		t.Errorf("its version is %s", version)
	}
}
