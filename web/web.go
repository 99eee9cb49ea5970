// Package web holds the page that shows a server's event stream.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"path"

	"github.com/kataras/iris/v12"
)

//go:embed index.html *.css *.js
var files embed.FS

// contentSecurityPolicy returns a policy that allows the page what it does and nothing else: its
// own scripts and style, its icon, and its stream. Nobody may frame it, and text that is taken for
// HTML by mistake can neither run nor load anything (https://www.w3.org/TR/CSP3/). The page's one
// inline script is allowed by its hash.
func contentSecurityPolicy(index []byte) string {
	_, script, _ := bytes.Cut(index, []byte("<script>"))
	script, _, _ = bytes.Cut(script, []byte("</script>"))
	hash := sha256.Sum256(script)
	return "default-src 'none'; script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; " +
		"style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// Register adds the routes of the page to an app: GET and HEAD of / and of the page's files. The
// page shows the event stream at /events, where the app has to serve an sse.Broker. All its URLs are
// relative, so a proxy may serve the app below a path; where that lacks its slash at the end, the
// page adds it.
func Register(app *iris.Application) {
	policy := contentSecurityPolicy(content("index.html"))
	for name, contentType := range map[string]string{
		"index.html":  "text/html",
		"page.css":    "text/css",
		"announce.js": "text/javascript",
		"header.js":   "text/javascript",
		"page.js":     "text/javascript",
		"scroll.js":   "text/javascript",
		"stream.js":   "text/javascript",
		"support.js":  "text/javascript",
		"table.js":    "text/javascript",
	} {
		content := content(name)
		route := path.Join("/", name)
		if name == "index.html" {
			route = "/"
		}
		app.HandleMany("GET HEAD", route, func(ctx iris.Context) {
			// Set, since ctx.Header adds: an app's middleware may have set them for all answers.
			header := ctx.ResponseWriter().Header()
			header.Set("Content-Security-Policy", policy)
			header.Set("X-Content-Type-Options", "nosniff")
			// The files belong together: none may be an older server's.
			header.Set("Cache-Control", "no-cache")
			ctx.ContentType(contentType)
			ctx.Write(content)
		})
	}
}

// content returns what is in one of the files.
func content(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // It is not embedded: the build is wrong.
	}
	return content
}
