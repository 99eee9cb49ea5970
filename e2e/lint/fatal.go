package main

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// endsTest is the fact that a function may end the test on whose goroutine it is called.
type endsTest struct{}

func (*endsTest) AFact()         {}
func (*endsTest) String() string { return "ends the test" }

// enders are the methods of package testing that end the goroutine which calls them.
var enders = map[string]bool{
	"Fatal": true, "Fatalf": true, "FailNow": true, "Skip": true, "Skipf": true, "SkipNow": true,
}

// starters call the functions that they are given on other goroutines.
var starters = map[string]bool{
	"(*sync.WaitGroup).Go":                       true,
	"(*golang.org/x/sync/errgroup.Group).Go":     true,
	"(*golang.org/x/sync/errgroup.Group).TryGo":  true,
	"time.AfterFunc":                             true,
	"context.AfterFunc":                          true,
	"net/http.HandleFunc":                        true,
	"(*net/http.ServeMux).HandleFunc":            true,
	"example.com/sse/internal/testkit.Return":    true,
	"github.com/chromedp/chromedp.ListenTarget":  true,
	"github.com/chromedp/chromedp.ListenBrowser": true,
}

// others call the functions that they are given later, where they may end the test, or have them
// be tests of their own.
var others = map[string]bool{
	"(*testing.common).Cleanup": true, "(testing.TB).Cleanup": true,
	"(*testing.T).Run": true, "(*testing.B).Run": true, "(*testing.F).Fuzz": true, "testing/synctest.Test": true,
}

// A checker checks one package.
type checker struct {
	pass *analysis.Pass

	// bodies are the package's functions, and the functions that variables are set to.
	bodies map[types.Object][]*ast.BlockStmt
	ends   map[types.Object]bool // those that may end a test
}

// findFatal finds what ends a test, such as Fatal, on a goroutine that is not the test's: it ends
// that goroutine only, and the test waits for it in vain. go vet's testinggoroutine and
// staticcheck's SA2002 find it in a go statement itself; this follows the calls of functions, also
// of other packages, and knows more ways to start a goroutine. Calls of an interface's methods are
// not followed, except those of testing.TB.
func findFatal(pass *analysis.Pass) {
	if pass.Pkg.Path() == "testing" {
		return
	}
	c := &checker{pass: pass, bodies: make(map[types.Object][]*ast.BlockStmt), ends: make(map[types.Object]bool)}
	c.collect()
	for changed := true; changed; {
		changed = false
		for object, bodies := range c.bodies {
			for _, body := range bodies {
				if !c.ends[object] && c.endIn(body) != nil {
					c.ends[object], changed = true, true
				}
			}
		}
	}
	for object := range c.ends {
		if f, ok := object.(*types.Func); ok {
			pass.ExportObjectFact(f, new(endsTest))
		}
	}
	for _, file := range pass.Files {
		ast.Inspect(file, c.check)
	}
}

// collect fills bodies.
func (c *checker) collect() {
	set := func(name, value ast.Expr) {
		literal, isLiteral := ast.Unparen(value).(*ast.FuncLit)
		ident, isIdent := name.(*ast.Ident)
		if isLiteral && isIdent {
			if object := c.pass.TypesInfo.ObjectOf(ident); object != nil {
				c.bodies[object] = append(c.bodies[object], literal.Body)
			}
		}
	}
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					object := c.pass.TypesInfo.Defs[n.Name]
					c.bodies[object] = append(c.bodies[object], n.Body)
				}
			case *ast.AssignStmt:
				for i := range min(len(n.Lhs), len(n.Rhs)) {
					set(n.Lhs[i], n.Rhs[i])
				}
			case *ast.ValueSpec:
				for i := range min(len(n.Names), len(n.Values)) {
					set(n.Names[i], n.Values[i])
				}
			}
			return true
		})
	}
}

// check reports what a node starts on another goroutine that may end the test there.
func (c *checker) check(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.reportFunc(n.Call.Fun)
	case *ast.CallExpr:
		if starters[c.name(n)] || c.isHandler(n) {
			for _, arg := range n.Args {
				c.reportFunc(arg)
			}
		}
	}
	return true
}

// reportFunc reports a function that another goroutine calls, if it may end the test.
func (c *checker) reportFunc(f ast.Expr) {
	const message = "ends the test, which its own goroutine alone may: use Error, or hand over what was seen"
	if literal, ok := ast.Unparen(f).(*ast.FuncLit); ok {
		if end := c.endIn(literal.Body); end != nil {
			c.pass.Reportf(end.Pos(), "%s %s", types.ExprString(end.Fun), message)
		}
	} else if c.endsTest(c.object(f)) {
		c.pass.Reportf(f.Pos(), "%s %s", types.ExprString(f), message)
	}
}

// endIn returns a call in a body that may end the test on whose goroutine the body runs, or nil.
func (c *checker) endIn(body ast.Node) (end *ast.CallExpr) {
	ast.Inspect(body, func(n ast.Node) bool {
		if end != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.GoStmt:
			return false
		case *ast.AssignStmt, *ast.ValueSpec:
			return !setsFunc(n) // What a variable is set to counts where it is called.
		case *ast.CallExpr:
			if name := c.name(n); starters[name] || others[name] || c.isHandler(n) {
				return false
			}
			if c.endsTest(c.object(n.Fun)) {
				end = n
			}
		}
		return true
	})
	return end
}

// setsFunc reports whether a statement sets variables to function literals alone.
func setsFunc(n ast.Node) bool {
	var values []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		values = n.Rhs
	case *ast.ValueSpec:
		values = n.Values
	}
	for _, value := range values {
		if _, ok := ast.Unparen(value).(*ast.FuncLit); !ok {
			return false
		}
	}
	return len(values) > 0
}

// endsTest reports whether a function, or a variable's function, may end a test.
func (c *checker) endsTest(object types.Object) bool {
	f, ok := object.(*types.Func)
	if ok && f.Pkg() != nil && f.Pkg().Path() == "testing" {
		return f.Signature().Recv() != nil && enders[f.Name()]
	}
	return object != nil && (c.ends[object] || ok && c.pass.ImportObjectFact(object, new(endsTest)))
}

// object returns the function or variable that an expression names, or nil.
func (c *checker) object(f ast.Expr) types.Object {
	object := typeutil.Callee(c.pass.TypesInfo, &ast.CallExpr{Fun: f})
	if f, ok := object.(*types.Func); ok {
		return f.Origin() // A generic function's instances are one.
	}
	return object
}

// name returns the full name of the function that is called, or "".
func (c *checker) name(call *ast.CallExpr) string {
	if f, ok := c.object(call.Fun).(*types.Func); ok {
		return f.FullName()
	}
	return ""
}

// isHandler reports whether a call is a conversion to http.HandlerFunc, which servers call.
func (c *checker) isHandler(call *ast.CallExpr) bool {
	t := c.pass.TypesInfo.Types[call.Fun]
	return t.IsType() && t.Type.String() == "net/http.HandlerFunc"
}
