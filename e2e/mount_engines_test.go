package e2e

import (
	"net/http"

	"github.com/gin-contrib/cors"
	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	echo4 "github.com/labstack/echo/v4"
	echo4middleware "github.com/labstack/echo/v4/middleware"
	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"
)

func init() { gin.SetMode(gin.ReleaseMode) }

var ginFramework = framework{
	name: "gin",
	app: func(a *mountedApp, use []middleware) http.Handler {
		r := gin.New()
		r.Use(inner[gin.HandlerFunc](a, use)...)
		r.Match([]string{"GET", "HEAD", "OPTIONS"}, "/events", gin.WrapH(a.broker.Handler()))
		r.POST("/events", gin.WrapH(a.publisher))
		r.Any("/decided", func(c *gin.Context) { a.broker.Serve(c.Writer, c.Request, a.decided()) })
		return r
	},
	middleware: []middleware{
		{name: "log", use: func(a *mountedApp) any { return gin.LoggerWithWriter(&a.requests) }},
		{name: "recover", use: func(a *mountedApp) any { return gin.RecoveryWithWriter(&a.errors) }},
		{name: "cors", use: func(*mountedApp) any {
			return cors.New(cors.Config{AllowOrigins: []string{allowedOrigin}, AllowCredentials: true})
		}},
		{name: "gzip for others", use: func(*mountedApp) any {
			return gzip.Gzip(gzip.DefaultCompression, gzip.WithExcludedPaths([]string{"/events", "/decided"}))
		}},
		{name: "gzip", use: func(*mountedApp) any { return gzip.Gzip(gzip.DefaultCompression) },
			lacks: "*gzip.gzipWriter", http2: true, writes: true},
	},
}

var echoFramework = framework{
	name: "echo",
	app: func(a *mountedApp, use []middleware) http.Handler {
		e := echo.New()
		e.Logger = a.logger()
		e.Use(inner[echo.MiddlewareFunc](a, use)...)
		e.Any("/events", echo.WrapHandler(a.broker.Handler()))
		e.POST("/events", echo.WrapHandler(a.publisher))
		e.Any("/decided", func(c *echo.Context) error {
			a.broker.Serve(c.Response(), c.Request(), a.decided())
			return nil
		})
		return e
	},
	middleware: []middleware{
		{name: "log", use: func(a *mountedApp) any {
			return echomiddleware.RequestLoggerWithConfig(echomiddleware.RequestLoggerConfig{
				LogURI: true, LogStatus: true, LogLatency: true,
				LogValuesFunc: func(_ *echo.Context, v echomiddleware.RequestLoggerValues) error {
					a.requests.Print(v.URI, v.Status, v.Latency)
					return nil
				},
			})
		}},
		{name: "recover", use: func(*mountedApp) any { return echomiddleware.Recover() }},
		{name: "cors", use: func(*mountedApp) any {
			return echomiddleware.CORSWithConfig(echomiddleware.CORSConfig{AllowOrigins: []string{allowedOrigin}, AllowCredentials: true})
		}},
		{name: "gzip", use: func(*mountedApp) any { return echomiddleware.Gzip() }},
		{name: "timeout", use: func(*mountedApp) any { return echomiddleware.ContextTimeout(timeout) }},
	},
}

// Many apps are still on version 4.
var echo4Framework = framework{
	name: "echo4",
	app: func(a *mountedApp, use []middleware) http.Handler {
		e := echo4.New()
		e.Logger.SetOutput(&a.errors)
		e.Use(inner[echo4.MiddlewareFunc](a, use)...)
		e.Any("/events", echo4.WrapHandler(a.broker.Handler()))
		e.POST("/events", echo4.WrapHandler(a.publisher))
		e.Any("/decided", func(c echo4.Context) error {
			a.broker.Serve(c.Response(), c.Request(), a.decided())
			return nil
		})
		return e
	},
	middleware: []middleware{
		{name: "log", use: func(a *mountedApp) any {
			//lint:ignore SA1019 Apps have it.
			return echo4middleware.LoggerWithConfig(echo4middleware.LoggerConfig{Output: &a.requests})
		}},
		{name: "recover", use: func(*mountedApp) any { return echo4middleware.Recover() }},
		{name: "cors", use: func(*mountedApp) any {
			return echo4middleware.CORSWithConfig(echo4middleware.CORSConfig{AllowOrigins: []string{allowedOrigin}, AllowCredentials: true})
		}},
		{name: "gzip", use: func(*mountedApp) any { return echo4middleware.Gzip() }},
		{name: "timeout", use: func(*mountedApp) any { return echo4middleware.ContextTimeout(timeout) }},
		{name: "buffering timeout", lacks: "*http.timeoutWriter", use: func(*mountedApp) any {
			//lint:ignore SA1019 Apps have it, and what it makes impossible is what is tested.
			return echo4middleware.TimeoutWithConfig(echo4middleware.TimeoutConfig{Timeout: timeout})
		}},
	},
}
