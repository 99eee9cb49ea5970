package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// units returns a folder with the units of dist/, with the server where the test has it.
func units(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"sse.service", "sse.socket"} {
		text := strings.ReplaceAll(read(t, "../dist/"+name), "/usr/local/bin/sse", binary)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { // systemd complains of others.
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnitsAreHardenedAndRight(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze", "apt-get install systemd")
	dir := units(t)
	service := filepath.Join(dir, "sse.service")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", service).CombinedOutput()
	exposure := regexp.MustCompile(`Overall exposure level for sse.service: (\S+)`).FindSubmatch(out)
	if exposure == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if level, err := strconv.ParseFloat(string(exposure[1]), 64); err != nil || level > 1.5 {
		t.Errorf("the exposure is %s, %v", exposure[1], err)
	}
	out, err = exec.Command("systemd-analyze", "verify", "--man=no", service, filepath.Join(dir, "sse.socket")).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// Of the system calls that the server makes, the unit allows all but those that raise limits, without which
// Go's runtime does.
func TestUnitAllowsTheSystemCallsThatTheServerMakes(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze", "apt-get install systemd")
	need(t, "strace", "apt-get install strace")
	allowed := make(map[string]bool)
	for _, set := range []struct {
		name  string
		allow bool
	}{{"@system-service", true}, {"@privileged", false}, {"@resources", false}} {
		filter := "SystemCallFilter=" + set.name
		if !set.allow {
			filter = set.name
		}
		if !strings.Contains(read(t, "../dist/sse.service"), filter) {
			t.Errorf("the unit does not say %s", filter)
		}
		for _, name := range syscallsOf(t, set.name) {
			allowed[name] = set.allow
		}
	}
	for _, name := range syscallsOf(t, "@default") {
		allowed[name] = true
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cert, key := certificate(t)
	s := startCommand(t, []string{"strace", "-f", "-qq", "-o", trace, binary}, "-interval", "50ms", "-cert", cert, "-key", key, "-publish-token-file", tokenFile(t))
	for _, http2 := range []bool{false, true} {
		stream := subscribeWith(t, trusting(t, http2), s.url+"/events", "")
		stream.next()
		stream.close()
	}
	pid := childOf(t, s.pid())
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	syscall.Kill(pid, syscall.SIGTERM)
	testkit.Receive(t, s.exited, "the server ends")
	names := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^\d+ +([a-z_0-9]+)\(`).FindAllStringSubmatch(read(t, trace), -1) {
		names[m[1]] = true
	}
	if len(names) < 15 {
		t.Fatalf("only %d system calls were seen", len(names))
	}
	for name := range names {
		if !allowed[name] && name != "setrlimit" && name != "execve" {
			t.Errorf("the unit forbids %s", name)
		}
	}
}

// syscallsOf returns the names in one of systemd's sets.
func syscallsOf(t *testing.T, set string) (names []string) {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "syscall-filter", set).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		switch name := strings.TrimSpace(line); {
		case strings.HasPrefix(name, "#") || name == set || name == "":
		case strings.HasPrefix(name, "@"):
			names = append(names, syscallsOf(t, name)...)
		default:
			names = append(names, name)
		}
	}
	return names
}
