package main

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// limitless are the functions that send a request without a limit.
var limitless = map[string]bool{
	"net/http.Get": true, "net/http.Head": true, "net/http.Post": true, "net/http.PostForm": true,
}

// findClients finds HTTP clients in tests that may wait for ever. The rule is simple: a test uses
// testkit.Client, or testkit.StreamClient for streams, or writes a Timeout into its http.Client.
// A limit that comes from elsewhere, such as a request's context, is not seen.
func findClients(pass *analysis.Pass) {
	const advice = "it may wait for ever: use testkit.Client or testkit.StreamClient"
	for _, file := range pass.Files {
		if !strings.HasSuffix(pass.Fset.Position(file.Pos()).Filename, "_test.go") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f := typeutil.StaticCallee(pass.TypesInfo, n); f != nil && limitless[f.FullName()] {
					pass.Reportf(n.Pos(), "%s has no timeout, so %s", f.FullName(), advice)
				}
			case *ast.Ident:
				v, ok := pass.TypesInfo.Uses[n].(*types.Var)
				if ok && v.Name() == "DefaultClient" && v.Pkg() != nil && v.Pkg().Path() == "net/http" {
					pass.Reportf(n.Pos(), "http.DefaultClient has no timeout, so %s", advice)
				}
			case *ast.CompositeLit:
				if isClient(pass.TypesInfo.TypeOf(n)) && !sets(n, "Timeout") {
					pass.Reportf(n.Pos(), "this http.Client has no Timeout, so %s", advice)
				}
			}
			return true
		})
	}
}

func isClient(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Client" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "net/http"
}

// sets reports whether a struct's literal names a field.
func sets(literal *ast.CompositeLit, field string) bool {
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if ok {
			name, ok := pair.Key.(*ast.Ident)
			if ok && name.Name == field {
				return true
			}
		}
	}
	return false
}
