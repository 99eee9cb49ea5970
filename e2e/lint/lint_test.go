package main

import (
	"os"
	"testing"

	"example.com/sse/internal/testkit"
	"golang.org/x/tools/go/analysis/analysistest"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

// Both packages are loaded at once, for that takes long.
func TestWhatKeepsATestFromEndingIsFound(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), analyzer, "a", "b")
}
