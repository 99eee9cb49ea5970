package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The Chinese README explains the broker's loop line by line. Its lines are those of the code, in their order, and
// what it leaves out it marks. Braces that only close are not looked at.
func TestChineseREADMEQuotesTheLoop(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../sse/broker.go")
	if err != nil {
		t.Fatal(err)
	}
	var code []string
	for line := range strings.Lines(string(source)) {
		if line = withoutComment(line); line != "" && line != "}" {
			code = append(code, line)
		}
	}
	quoted, marked := 0, false
	for _, b := range blocksOf(t, "README.zh-CN.md") {
		if b.language != "go" || !strings.HasPrefix(b.text, "func (b *Broker) listen() {\n") {
			continue
		}
		for line := range strings.Lines(b.text) {
			line = withoutComment(line)
			if line == "}" {
				continue
			}
			if line == "…" {
				marked = true
				continue
			}
			skipped := 0
			for len(code) > 0 && code[0] != line {
				code = code[1:]
				skipped++
			}
			if len(code) == 0 {
				t.Fatalf("sse/broker.go has no %q there", line)
			}
			if skipped > 0 && quoted > 0 && !marked {
				t.Errorf("what comes before %q is left out, and not marked", line)
			}
			code = code[1:]
			marked = false
			quoted++
		}
	}
	if quoted < 15 {
		t.Errorf("only %d lines are quoted", quoted)
	}
}

// withoutComment returns a line of code without its indentation and its comment.
func withoutComment(line string) string {
	code, _, _ := strings.Cut(line, "//")
	return strings.TrimSpace(code)
}

// Both READMEs give the same figures in KiB and µs, where they promise them and where they say how they are measured.
func TestREADMEsHaveTheSameFigures(t *testing.T) {
	t.Parallel()
	figures := func(document, section string) map[string]bool {
		text, err := os.ReadFile(filepath.Join("..", document))
		if err != nil {
			t.Fatal(err)
		}
		_, said, ok := strings.Cut(string(text), "\n"+section+"\n")
		if !ok {
			t.Fatalf("%s has no %q", document, section)
		}
		said, _, _ = strings.Cut(said, "\n## ")
		found := make(map[string]bool)
		for _, m := range regexp.MustCompile(`[\d.,]*\d\s+(KiB|µs)`).FindAllString(said, -1) {
			found[strings.Join(strings.Fields(m), " ")] = true
		}
		return found
	}
	for english, chinese := range map[string]string{"## What it promises": "## 它保证什么", "## How fast it is": "## 性能"} {
		english, chinese := figures("README.md", english), figures("README.zh-CN.md", chinese)
		if !maps.Equal(english, chinese) {
			t.Errorf("README.md says %q, and README.zh-CN.md %q", slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(chinese)))
		}
		if len(english) < 2 {
			t.Errorf("only %d figures were found", len(english))
		}
	}
}
