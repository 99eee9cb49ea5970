package main

import (
	"os"
	"testing"

	"example.com/sse/internal/testkit"
	"golang.org/x/tools/go/analysis/analysistest"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

func TestFatalOnAnotherGoroutineIsFound(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), fatal, "a")
}

func TestClientsWithoutATimeoutAreFound(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), client, "b")
}
