package program

import (
	"os"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }
