package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fencePattern   = regexp.MustCompile("(?s)\n```.*?\n```")
	testPattern    = regexp.MustCompile(`\bTest[A-Z]\w*`)
)

// anchorsOf returns the anchors of a document's headings, as GitHub makes them.
func anchorsOf(text string) map[string]bool {
	anchors := make(map[string]bool)
	for _, m := range headingPattern.FindAllStringSubmatch(fencePattern.ReplaceAllString(text, ""), -1) {
		anchor := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		anchors[regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(anchor, "")] = true
	}
	return anchors
}

// TestDocumentsNameWhatIsThere follows the documents' links into the repository, and looks for the
// tests that they name.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var tests strings.Builder
	for _, pattern := range []string{"../*_test.go", "../*/*_test.go", "../*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			tests.WriteString(read(file))
		}
	}
	links := 0
	for _, document := range append(documents, "CHANGELOG.md") {
		file := filepath.Join("..", document)
		text := read(file)
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
			} else if anchor != "" && !anchorsOf(read(to))[anchor] {
				t.Errorf("%s: %s: no such heading", document, m[1])
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
