package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fencePattern   = regexp.MustCompile("(?s)\n```.*?\n```")
	notInAnchors   = regexp.MustCompile(`[^\p{L}\p{N}_-]`)
	testPattern    = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// anchorsOf returns the anchors of a document's headings, as GitHub makes them.
func anchorsOf(text string) map[string]bool {
	anchors := make(map[string]bool)
	for _, m := range headingPattern.FindAllStringSubmatch(fencePattern.ReplaceAllString(text, ""), -1) {
		anchor := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		anchors[notInAnchors.ReplaceAllString(anchor, "")] = true
	}
	return anchors
}

// TestDocumentsNameWhatIsThere follows the documents' links into the repository, and looks for the
// tests that they name.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	for _, pattern := range []string{"../*_test.go", "../*/*_test.go", "../*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			tests.WriteString(read(t, file))
		}
	}
	anchors := make(map[string]map[string]bool) // by file, since hundreds of links lead to few files
	links := 0
	for _, document := range append(slices.Clone(documents), "CHANGELOG.md") {
		file := filepath.Join("..", document)
		text := read(t, file)
		for _, m := range linkPattern.FindAllStringSubmatch(text, -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			links++
			to := file
			if path != "" {
				to = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s: %v", document, m[1], err)
			} else if anchor != "" {
				if anchors[to] == nil {
					anchors[to] = anchorsOf(read(t, to))
				}
				if !anchors[to][anchor] {
					t.Errorf("%s: %s: no such heading", document, m[1])
				}
			}
		}
		for _, name := range testPattern.FindAllString(text, -1) {
			if !strings.Contains(tests.String(), "func "+name+"(") {
				t.Errorf("%s: there is no %s", document, name)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// A newcomer reads the README to its end, and in a terminal, too.
func TestREADMEIsShort(t *testing.T) {
	t.Parallel()
	const maxLines, maxLine = 280, 159
	n := 0
	for line := range strings.Lines(read(t, "../README.md")) {
		n++
		if got := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); got > maxLine {
			t.Errorf("line %d has %d characters", n, got)
		}
	}
	if n > maxLines {
		t.Errorf("it has %d lines", n)
	}
}

// The tables of the flags have all of them, and no other.
func TestDocumentsHaveEachFlag(t *testing.T) {
	t.Parallel()
	help, err := exec.Command(binary, "-h").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, help)
	}
	flags := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^  -([a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		flags[m[1]] = true
	}
	if len(flags) < 20 {
		t.Fatalf("-h lists only %d flags:\n%s", len(flags), help)
	}
	for _, document := range []string{"docs/operating.md", "README.zh-CN.md"} {
		rows := make(map[string]bool)
		for _, cell := range regexp.MustCompile("(?m)^\\| (`-[^|]*) \\|").FindAllStringSubmatch(read(t, filepath.Join("..", document)), -1) {
			for _, m := range regexp.MustCompile("`-([a-z-]+)").FindAllStringSubmatch(cell[1], -1) {
				rows[m[1]] = true
			}
		}
		delete(rows, "h") // It is the flag package's own.
		if !maps.Equal(flags, rows) {
			t.Errorf("-h lists %q, and the table of %s %q", slices.Sorted(maps.Keys(flags)), document, slices.Sorted(maps.Keys(rows)))
		}
	}
}

// The table of this package's comment has the beginning of each file's name, and no other.
func TestEachFileBelongsToAGroup(t *testing.T) {
	t.Parallel()
	groups := make(map[string]int)
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z]+_) `).FindAllStringSubmatch(read(t, "main_test.go"), -1) {
		groups[m[1]] = 0
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		group, _, _ := strings.Cut(file, "_")
		if _, ok := groups[group+"_"]; !ok && group != "main" {
			t.Errorf("%s belongs to no group", file)
		}
		groups[group+"_"]++
	}
	for group, n := range groups {
		if n == 0 {
			t.Errorf("the group %s has no file", group)
		}
	}
}

// TestGoDocOfSSENamesNothingUnexported looks for names of package sse that its users can't see in
// the documentation that they do see.
func TestGoDocOfSSENamesNothingUnexported(t *testing.T) {
	t.Parallel()
	source, err := exec.Command("sh", "-c", "cat ../sse/[a-z]*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	doc := exec.Command("go", "doc", "-all", "./sse")
	doc.Dir = ".."
	text, err := doc.Output()
	if err != nil {
		t.Fatal(err)
	}
	// Names of more than one word; others, such as client, are words of the language, too.
	declared := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |var |const |\t)([a-z]+[A-Z]\w*)\b`)
	names := declared.FindAllStringSubmatch(string(source), -1)
	if len(names) < 50 {
		t.Fatalf("only %d unexported names were found", len(names))
	}
	for _, name := range names {
		if regexp.MustCompile(`\b` + name[1] + `\b`).Match(text) {
			t.Errorf("go doc ./sse says %q", name[1])
		}
	}
}
