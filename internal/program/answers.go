package program

import (
	"slices"
	"strings"

	"github.com/kataras/iris/v12"
)

// Answers adds headers to an app's answers: to all, that a browser must not guess the content type; to those
// with status 405, all methods that their path has (RFC 9110, section 15.5.6), where Iris names only one.
func Answers(app *iris.Application) {
	app.UseRouter(func(ctx iris.Context) {
		ctx.ResponseWriter().Header().Set("X-Content-Type-Options", "nosniff")
		ctx.Next()
		if ctx.GetStatusCode() == iris.StatusMethodNotAllowed {
			allow(app, ctx)
		}
	})
}

// allow names all methods that the path of a request has. Pages of every origin may read the answer: otherwise
// they could not tell the refusal from a lost connection.
func allow(app *iris.Application, ctx iris.Context) {
	var methods []string
	for _, route := range app.GetRoutesReadOnly() {
		if route.Path() == ctx.Path() {
			methods = append(methods, route.Method())
		}
	}
	slices.Sort(methods)
	header := ctx.ResponseWriter().Header()
	header.Set("Allow", strings.Join(methods, ", "))
	if header.Get("Access-Control-Allow-Origin") == "" {
		header.Set("Access-Control-Allow-Origin", "*")
	}
}
