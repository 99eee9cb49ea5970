package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// A scratchImage is what dist/Dockerfile makes, built without a registry: its first stage's commands run here.
type scratchImage struct {
	build string   // the folder that is / in the first stage
	final []string // the last stage's lines
}

// buildImage runs the first stage in a copy of the repository.
func buildImage(t *testing.T) scratchImage {
	t.Helper()
	stages := strings.Split(read(t, "../dist/Dockerfile"), "\nFROM ")
	if len(stages) != 3 || !strings.HasPrefix(stages[2], "scratch\n") || !strings.Contains(stages[1], "\nWORKDIR /src\nCOPY . .\n") {
		t.Fatal("dist/Dockerfile is not of two stages, the last of them from scratch")
	}
	source := copyOfTheRepository(t)
	i := scratchImage{build: t.TempDir(), final: strings.Split(strings.TrimSpace(stages[2]), "\n")[1:]}
	for _, line := range strings.Split(stages[1], "\n") {
		command, ok := strings.CutPrefix(line, "RUN ")
		if !ok {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(command, "/image/", i.build+"/image/"))
		cmd.Dir = source
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	return i
}

// root returns a folder with the content of the last stage.
func (i scratchImage) root(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, line := range i.final {
		m := regexp.MustCompile(`^COPY --from=build (?:--chown=(\S+) )?(\S+)/ (\S+)$`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		script := `mkdir -p "$2" && cp -r "$1"/. "$2"; if [ "$3" ]; then chown -R "$3" "$2"; fi`
		if out, err := exec.Command("sh", "-ec", script, "sh", i.build+m[2], root+m[3], m[1]).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", line, err, out)
		}
	}
	return root
}

// value returns what the last stage says of one kind.
func (i scratchImage) value(t *testing.T, instruction string) string {
	t.Helper()
	for _, line := range i.final {
		if value, ok := strings.CutPrefix(line, instruction+" "); ok {
			return value
		}
	}
	t.Fatalf("the last stage says no %s", instruction)
	return ""
}

// The image is one static binary, the TLS roots and an empty folder, and the binary's bytes do not depend on where it was built.
func TestImageHoldsTheServerAloneAndIsReproducible(t *testing.T) {
	t.Parallel()
	need(t, "/etc/ssl/certs/ca-certificates.crt", "apt-get install ca-certificates")
	if os.Getuid() != 0 {
		t.Skip("giving a folder to the image's user takes root")
	}
	first, second := buildImage(t), buildImage(t)
	root := first.root(t)
	if a, b := read(t, root+"/sse"), read(t, second.root(t)+"/sse"); a != b {
		t.Error("another folder makes another binary")
	}
	var files []string
	filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			t.Error(err)
		} else if !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, root))
		}
		return nil
	})
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/sse"}; !slices.Equal(files, want) {
		t.Errorf("the image has %q, want %q", files, want)
	}
	checkContainer(t, root, first.value(t, "USER"))
	checkBuildah(t, first)
}

// checkContainer runs the image's content as a container runs it: as process 1 of a user that has no name, with
// nothing else there and nothing to be written but /data.
func checkContainer(t *testing.T, root, user string) {
	t.Helper()
	need(t, "unshare", "apt-get install util-linux")
	if err := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "true").Run(); err != nil {
		t.Logf("no namespaces here: %v", err)
		return
	}
	inside := func(command string) []string {
		return []string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec",
			`mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; mount -t tmpfs -o mode=0700,uid=65532,gid=65532 tmpfs "$1/data"; user=$2; cd "$1"; shift 2; ` + command,
			"sh", root, user}
	}
	run := inside(`exec chroot --userspec="$user" . /sse "$@"`)
	s := startCommand(t, run, "-interval", "50ms", "-drain", "1h")
	if out, err := exec.Command(binary, "-healthcheck", "-addr", s.addr).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("-healthcheck says %v: %s", err, out)
	}
	stream := subscribe(t, s.url+"/events", "")
	stream.next()
	pid := childOf(t, s.pid())
	status := read(t, fmt.Sprintf("/proc/%d/status", pid))
	for _, line := range []string{"NSpid:\t" + fmt.Sprint(pid) + "\t1\n", "Uid:\t65532\t65532\t65532\t65532\n", "CapEff:\t0000000000000000\n"} {
		if !strings.Contains(status, line) {
			t.Errorf("the process's status has no %q:\n%s", line, status)
		}
	}
	syscall.Kill(pid, syscall.SIGTERM)
	s.waitForStatus(http.StatusServiceUnavailable)
	out, err := exec.Command(binary, "-healthcheck", "-addr", s.addr).CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "503") {
		t.Errorf("-healthcheck of a server that stops says %v: %s", err, out)
	}
	syscall.Kill(pid, syscall.SIGTERM) // The kernel gives process 1 only what it catches, and Go catches it.
	testkit.Receive(t, s.exited, "the second signal ends it")
	stream.end()

	s.command = append(run, "-addr", s.addr, "-interval", "50ms")
	s.restart()
	stream = subscribe(t, s.url+"/events", "")
	syscall.Kill(childOf(t, s.pid()), syscall.SIGTERM)
	if err := stream.end(); err != io.EOF {
		t.Errorf("SIGTERM ends a stream with %v", err)
	}
	s.wantEnd()
}

// checkBuildah builds the last stage with Debian's buildah, which needs no registry for that.
func checkBuildah(t *testing.T, i scratchImage) {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Log("buildah is not here: apt-get install buildah")
		return
	}
	store := t.TempDir()
	file := filepath.Join(i.build, "Dockerfile")
	text := "FROM scratch\n" + strings.ReplaceAll(strings.Join(i.final, "\n"), "--from=build ", "")
	write(t, file, text+"\n")
	buildah := func(args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), "buildah", append([]string{"--root", store + "/root", "--runroot", store + "/run", "--storage-driver", "vfs"}, args...)...)
		var out, complaints bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &complaints
		if err := cmd.Run(); err != nil {
			t.Fatalf("buildah %q: %v\n%s", args, err, complaints.String())
		}
		return out.Bytes()
	}
	buildah("build", "--isolation", "chroot", "--format", "docker", "-t", "sse", "-f", file, i.build)
	var config struct {
		Docker struct {
			Config struct {
				User        string
				Entrypoint  []string
				Volumes     map[string]any
				Healthcheck struct{ Test []string }
			}
		}
	}
	if err := json.Unmarshal(buildah("inspect", "--type", "image", "sse"), &config); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(config.Docker.Config)
	if want := "{65532:65532 [/sse] map[/data:map[]] {[CMD /sse -healthcheck]}}"; got != want {
		t.Errorf("the image's configuration is %s, want %s", got, want)
	}
}
