package program

import (
	"context"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// Health returns a handler that answers 200 while the server serves. It answers 503 from when the server is to stop,
// which is when the context serving ends, and before clients can resume: while the server reads the events of all
// servers, or those on its disk.
func Health(serving context.Context, broker *sse.Broker, source *Source) iris.Handler {
	return func(ctx iris.Context) {
		reason := source.waitsFor()
		select {
		case <-serving.Done():
			reason = "stopping"
		case <-broker.Done():
			reason = "stopping"
		default:
		}
		if reason != "" {
			ctx.StopWithText(iris.StatusServiceUnavailable, "%s", reason)
			return
		}
		ctx.WriteString("ok")
	}
}
