package e2e

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"example.com/sse/sse"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	chicors "github.com/go-chi/cors"
	"github.com/gorilla/handlers"
	"github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/middleware/accesslog"
	iriscors "github.com/kataras/iris/v12/middleware/cors"
	irisrecover "github.com/kataras/iris/v12/middleware/recover"
	"github.com/klauspost/compress/gzhttp"
	rscors "github.com/rs/cors"
)

const (
	// allowedOrigin is whose pages may read, as each CORS middleware is told.
	allowedOrigin = "https://app.example"

	// timeout is what each timeout middleware gets: longer than a test runs.
	timeout = time.Hour
)

var goFrameworks = []framework{netHTTP, chiFramework, ginFramework, echoFramework, echo4Framework, irisFramework}

// around is what may stand around every framework.
var around = []middleware{
	{name: "http.TimeoutHandler", lacks: "*http.timeoutWriter", around: func(_ *mountedApp, next http.Handler) http.Handler {
		return http.TimeoutHandler(next, timeout, "timeout")
	}},
	{name: "gzhttp", around: func(_ *mountedApp, next http.Handler) http.Handler { return gzhttp.GzipHandler(next) }},
}

var netHTTP = framework{
	name: "net/http",
	app: func(a *mountedApp, _ []middleware) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/events", a.broker.Handler())
		mux.Handle("POST /events", a.publisher)
		mux.HandleFunc("/decided", a.decide)
		return mux
	},
	middleware: []middleware{
		{name: "recover", around: func(a *mountedApp, next http.Handler) http.Handler {
			return handlers.RecoveryHandler(handlers.RecoveryLogger(&a.errors))(next)
		}},
		{name: "log", around: func(a *mountedApp, next http.Handler) http.Handler {
			return handlers.LoggingHandler(&a.requests, next)
		}},
		{name: "cors", around: func(_ *mountedApp, next http.Handler) http.Handler {
			return rscors.New(rscors.Options{AllowedOrigins: []string{allowedOrigin}, AllowCredentials: true}).Handler(next)
		}},
		{name: "gorilla's compress", writes: true, around: func(_ *mountedApp, next http.Handler) http.Handler {
			return handlers.CompressHandler(next)
		}},
	},
}

var chiFramework = framework{
	name: "chi",
	app: func(a *mountedApp, use []middleware) http.Handler {
		r := chi.NewRouter()
		r.Use(inner[func(http.Handler) http.Handler](a, use)...)
		r.Handle("/events", a.broker.Handler())
		r.Method(http.MethodPost, "/events", a.publisher)
		r.HandleFunc("/decided", a.decide)
		return r
	},
	middleware: []middleware{
		{name: "log", use: func(a *mountedApp) any {
			return chimiddleware.RequestLogger(&chimiddleware.DefaultLogFormatter{Logger: &a.requests, NoColor: true})
		}},
		{name: "recover", use: func(*mountedApp) any { return chimiddleware.Recoverer }},
		{name: "cors", use: func(*mountedApp) any {
			return chicors.Handler(chicors.Options{AllowedOrigins: []string{allowedOrigin}, AllowCredentials: true})
		}},
		{name: "compress", use: func(*mountedApp) any { return chimiddleware.Compress(5) }},
		{name: "compress all text", use: func(*mountedApp) any { return chimiddleware.Compress(5, "text/*") }},
		{name: "timeout", use: func(*mountedApp) any { return chiTimeout(timeout) }},
	},
}

var irisFramework = framework{
	name: "Iris",
	app: func(a *mountedApp, use []middleware) http.Handler {
		app := iris.New()
		app.Logger().SetOutput(&a.errors)
		app.UseRouter(inner[iris.Handler](a, use)...)
		app.HandleMany("GET HEAD OPTIONS", "/events", a.broker.ServeHTTP)
		app.Post("/events", sse.PublishHandler(a.publisher))
		app.Any("/decided", func(ctx iris.Context) { a.broker.ServeIris(ctx, a.decided()) })
		if err := app.Build(); err != nil {
			panic(err)
		}
		return app
	},
	middleware: []middleware{
		{name: "recover", use: func(*mountedApp) any { return irisrecover.New() }},
		{name: "log", use: func(a *mountedApp) any { return iris.Handler(accesslog.New(&a.requests).Handler) }},
		{name: "cors", use: func(*mountedApp) any { return iriscors.New().AllowOrigin(allowedOrigin + ",").Handler() }},
		{name: "compress", use: func(*mountedApp) any { return iris.Compression }},
		{name: "log of bodies", lacks: "*context.ResponseRecorder", use: func(*mountedApp) any {
			log := accesslog.New(io.Discard)
			log.ResponseBody = true
			return iris.Handler(log.Handler)
		}},
	},
}

var chiTimeout = chimiddleware.Timeout

// logger is the framework's own.
func (a *mountedApp) logger() *slog.Logger { return slog.New(slog.NewTextHandler(&a.errors, nil)) }
