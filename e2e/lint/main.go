// Command lint checks that tests end. It is for go vet, in all modules:
//
//	go build -o /tmp/lint . && go vet -vettool=/tmp/lint ./...
package main

import (
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"
)

var analyzer = &analysis.Analyzer{
	Name:      "testends",
	Doc:       "find Fatal and its like on goroutines that are not the test's, also through helpers, and HTTP clients without a timeout in tests",
	FactTypes: []analysis.Fact{new(endsTest)},
	Run: func(pass *analysis.Pass) (any, error) {
		findFatal(pass)
		findClients(pass)
		return nil, nil
	},
}

func main() { unitchecker.Main(analyzer) }
