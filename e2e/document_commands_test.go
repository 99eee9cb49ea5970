package e2e

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// documents are the files whose commands are run, in this order.
var documents = []string{"README.md", "README.zh-CN.md", "CONTRIBUTING.md", "docs/operating.md", "docs/service.md", "docs/capacity.md", "docs/questions.md", "docs/questions.zh-CN.md", "docs/architecture.md", "SECURITY.md"}

// TestDocumentsCommandsRunAsWritten runs what the documents show as commands, in their order, in a
// copy of the repository. Only ports are replaced by free ones, and make is asked what it would do.
// What serves goes on until another one needs its port, as in a terminal of its own.
func TestDocumentsCommandsRunAsWritten(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "openssl", "make"} {
		need(t, tool, "apt-get install "+tool)
	}
	v := &visitor{t: t, dir: copyOfTheRepository(t), ports: make(map[string]string), ran: make(map[string]bool)}
	t.Cleanup(v.killAll)
	v.run("go run . -h", "") // What is built once serves at once afterwards.
	for _, document := range documents {
		blocks := blocksOf(t, document)
		for i, b := range blocks {
			v.where = fmt.Sprintf("%s:%d", document, b.line)
			switch {
			case b.language == "sh" && !v.ran[b.text]: // The Chinese README shows the same commands.
				v.ran[b.text] = true
				expected := ""
				if i+1 < len(blocks) && blocks[i+1].language == "" {
					expected = blocks[i+1].text
				}
				v.runBlock(b.text, expected)
			case b.language == "go" && strings.HasPrefix(b.text, "package main\n"):
				v.writeApp(b.text)
			}
		}
	}
	v.stopAll()
	if len(v.ran) < 10 {
		t.Errorf("only %d blocks of commands were found", len(v.ran))
	}
}

// builtWithin is how long a command may take, which may build a lot.
const builtWithin = 3 * time.Minute

// A visitor does what the documents say.
type visitor struct {
	t       *testing.T
	dir     string            // the copy of the repository
	ports   map[string]string // a free port for each port that the documents name
	ran     map[string]bool   // the blocks that were run
	where   string            // the block that is run
	serving []*serving
}

var (
	portPattern  = regexp.MustCompile(`\b(8080|8081|8082|8083|8443|4222)\b`)
	servePattern = regexp.MustCompile(`go run \.( -|$)|nats-server`)
	addrPattern  = regexp.MustCompile(`(?:-addr \S*:|-p )(\d+)`)
)

// onFreePorts replaces the ports in a text.
func (v *visitor) onFreePorts(text string) string {
	return portPattern.ReplaceAllStringFunc(text, func(port string) string {
		if v.ports[port] == "" {
			_, free, err := net.SplitHostPort(testkit.FreeAddr(v.t))
			if err != nil {
				v.t.Fatal(err)
			}
			v.ports[port] = free
		}
		return v.ports[port]
	})
}

func (v *visitor) runBlock(text, expected string) {
	v.t.Helper()
	var script []string // lines that end by themselves
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		serves, streams := servePattern.MatchString(line), strings.HasPrefix(line, "curl -N") && !strings.Contains(line, "kill")
		if (serves || streams) && len(script) > 0 {
			v.run(strings.Join(script, "\n"), expected)
			script = nil
		}
		switch {
		case serves:
			v.serve(line)
		case streams:
			v.stream(line, expected)
		default:
			script = append(script, line)
		}
	}
	if len(script) > 0 {
		v.run(strings.Join(script, "\n"), expected)
	}
}

// command returns a command of a shell's, with a process group of its own.
func (v *visitor) command(script string) *exec.Cmd {
	script = v.onFreePorts(strings.ReplaceAll(script, "-addr :", "-addr 127.0.0.1:"))
	cmd := exec.Command("bash", "-ec", script)
	cmd.Dir = v.dir
	cmd.Env = append(os.Environ(), "TZ=UTC", "TMPDIR="+filepath.Dir(v.dir)) // NATS keeps its files there.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = testkit.Limit
	return cmd
}

// run runs what ends by itself.
func (v *visitor) run(script, expected string) {
	v.t.Helper()
	shown := script
	script = regexp.MustCompile(`(?m)^make `).ReplaceAllString(script, "make -n ")
	cmd := v.command(script)
	if regexp.MustCompile(`(?m)^go (test|doc)\b`).MatchString(script) {
		cmd.Dir = ".." // It writes nothing, and is built already.
	}
	var out, complaints lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	limit := time.AfterFunc(builtWithin, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	limit.Stop()
	if err != nil {
		v.t.Fatalf("%s: %s\n%v, and prints:\n%s\n%s", v.where, shown, err, out.String(), complaints.String())
	}
	v.compare(shown, out.String(), expected)
	if strings.Contains(script, "curl -i") && !regexp.MustCompile(`(?m)^HTTP/\S+ 2`).MatchString(out.String()) {
		v.t.Errorf("%s: %s\nprints:\n%s", v.where, shown, out.String())
	}
	if streams := strings.Count(script, "curl -N"); streams > 0 {
		times := make(map[string]int)
		for _, id := range regexp.MustCompile(`(?m)^id: \d+$`).FindAllString(out.String(), -1) {
			times[id]++
		}
		if !slices.Contains(slices.Collect(maps.Values(times)), streams) {
			v.t.Errorf("%s: %s\nno event is printed %d times:\n%s", v.where, shown, streams, out.String())
		}
	}
}

// stream runs what prints events until it is stopped, and stops it after those expected, or one.
func (v *visitor) stream(line, expected string) {
	v.t.Helper()
	cmd := v.command(line)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	limit := time.AfterFunc(testkit.Limit, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer limit.Stop()
	var out strings.Builder
	for lines, events := bufio.NewScanner(stdout), max(1, strings.Count(expected, "data: ")); events > 0 && lines.Scan(); {
		out.WriteString(lines.Text() + "\n")
		if lines.Text() == "" {
			events--
		}
	}
	syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	io.Copy(io.Discard, stdout)
	cmd.Wait()
	if !strings.Contains(out.String(), "\ndata: ") {
		v.t.Fatalf("%s: %s\nprints no event: %q", v.where, line, out.String())
	}
	v.compare(line, out.String(), expected)
}

// compare compares what was printed with what a document says is printed: what numbers and days
// there are is all that may differ.
func (v *visitor) compare(command, printed, expected string) {
	v.t.Helper()
	if got, want := shape(printed), shape(expected); expected != "" && !strings.Contains(got, want) {
		v.t.Errorf("%s: %s\nprints:\n%s\nbut the document says:\n%s", v.where, command, printed, expected)
	}
}

func shape(text string) string {
	text = regexp.MustCompile(`\d+`).ReplaceAllString(strings.TrimSpace(text), "0")
	return regexp.MustCompile(`\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), 0 [A-Z][a-z]{2}\b`).ReplaceAllString(text, "Day, 0 Mon")
}

// writeApp writes the program that a document shows as an app of one's own.
func (v *visitor) writeApp(program string) {
	v.t.Helper()
	program = v.onFreePorts(strings.ReplaceAll(program, `":8080"`, `"127.0.0.1:8080"`))
	dir := filepath.Join(v.dir, "../app")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		v.t.Fatalf("%s: %v", v.where, err)
	}
	write(v.t, filepath.Join(dir, "main.go"), program)
}
