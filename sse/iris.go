package sse

import (
	"net/http"

	"github.com/kataras/iris/v12"
	iriscontext "github.com/kataras/iris/v12/context"
)

// PublishHandler returns a handler for Iris that does what the Publisher does. Mount it for POST and, if
// pages of other origins are to publish, for OPTIONS.
func PublishHandler(p Publisher) iris.Handler {
	return func(ctx iris.Context) {
		p.ServeHTTP(irisWriter{ctx.ResponseWriter()}, ctx.Request())
	}
}

// An irisWriter is Iris's writer for http.ResponseController, which needs Unwrap to find what lies below.
// (Writing to what lies below alone would make Iris write a second header.)
type irisWriter struct{ iriscontext.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w irisWriter) Unwrap() http.ResponseWriter { return w.Naive() }
