package main

import (
	"os"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"golang.org/x/tools/go/analysis/analysistest"
)

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(m, map[string]time.Duration{"TestWhatKeepsATestFromEndingIsFound": 8 * time.Minute}))
}

// Both packages are loaded at once, for that takes long.
func TestWhatKeepsATestFromEndingIsFound(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), analyzer, "a", "b")
}
