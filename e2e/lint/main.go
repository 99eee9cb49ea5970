// Command lint checks that tests end. It is for go vet, in all modules:
//
//	go build -o /tmp/lint . && go vet -vettool=/tmp/lint ./...
package main

import "golang.org/x/tools/go/analysis/unitchecker"

func main() { unitchecker.Main(fatal, client) }
