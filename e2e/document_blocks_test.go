package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A block is what stands between two fences of a document.
type block struct {
	language, text string
	line           int
}

func blocksOf(t *testing.T, document string) (blocks []block) {
	t.Helper()
	var open *block
	line := 0
	for text := range strings.Lines(read(t, filepath.Join("..", document))) {
		line++
		language, fence := strings.CutPrefix(text, "```")
		switch {
		case fence && open == nil:
			open = &block{language: strings.TrimSpace(language), line: line}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += text
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", document, open.line)
	}
	return blocks
}

// copyOfTheRepository returns the folder of a copy that may be written to.
func copyOfTheRepository(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sse")
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(path, ".."))
		switch {
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(to, 0o755)
		case !entry.Type().IsRegular() || entry.Name() == ".git":
			return nil // sockets and links, and what makes a worktree of a folder
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
