// Package web holds the page that shows a server's event stream.
package web

import (
	"embed"
	"path"

	"github.com/kataras/iris/v12"
)

//go:embed index.html page.css page.js support.js
var files embed.FS

// contentSecurityPolicy allows the page what it does and nothing else: its own script and style,
// its icon, and its stream. Nobody may frame it, and text that is taken for HTML by mistake can
// neither run nor load anything (https://www.w3.org/TR/CSP3/).
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Register adds the routes of the page to an app: GET and HEAD of / and of the page's files. The
// page shows the event stream at /events, which the app has to serve. All its URLs are relative,
// so a proxy may serve the app below a path that ends in a slash.
func Register(app *iris.Application) {
	for name, contentType := range map[string]string{
		"index.html": "text/html",
		"page.css":   "text/css",
		"page.js":    "text/javascript",
		"support.js": "text/javascript",
	} {
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // It is not embedded: the build is wrong.
		}
		route := path.Join("/", name)
		if name == "index.html" {
			route = "/"
		}
		app.HandleMany("GET HEAD", route, func(ctx iris.Context) {
			// Set, since ctx.Header adds: an app's middleware may have set them for all answers.
			header := ctx.ResponseWriter().Header()
			header.Set("Content-Security-Policy", contentSecurityPolicy)
			header.Set("X-Content-Type-Options", "nosniff")
			// The files belong together: none may be an older server's.
			header.Set("Cache-Control", "no-cache")
			ctx.ContentType(contentType)
			ctx.Write(content)
		})
	}
}
