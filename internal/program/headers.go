package program

import (
	"slices"
	"strings"

	"github.com/kataras/iris/v12"
)

// NewApp returns an Iris app without routes. Its answers have these headers:
//
//   - all: X-Content-Type-Options, so that no browser guesses the content type;
//   - those with status 405: Allow with all methods of the path (RFC 9110, section 15.5.6), where Iris names only one.
//
// A path with a slash at its end is served as the one without: a page of another origin could not follow Iris's redirect.
func NewApp() *iris.Application {
	app := iris.New().Configure(iris.WithFireMethodNotAllowed, iris.WithoutPathCorrectionRedirection)
	app.UseRouter(func(ctx iris.Context) {
		ctx.ResponseWriter().Header().Set("X-Content-Type-Options", "nosniff")
		ctx.Next()
		if ctx.GetStatusCode() == iris.StatusMethodNotAllowed {
			setAllow(app, ctx)
		}
	})
	return app
}

// setAllow names in the header Allow all methods that the path of a request has. Pages of every origin may read the
// answer: otherwise they could not tell the refusal from a lost connection.
func setAllow(app *iris.Application, ctx iris.Context) {
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
