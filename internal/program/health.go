package program

import (
	"context"

	"example.com/sse/cluster"
	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/iris/v12"
)

// Health returns a handler that answers 200 while the server serves, and 503 from when it is to stop, which is when
// a context ends, and before it has read the events of all servers, or those on its disk. A server alone has a nil member, and one
// without a disk nil events.
func Health(serving context.Context, broker *sse.Broker, member *cluster.Member, events *store.Store) iris.Handler {
	return func(ctx iris.Context) {
		select {
		case <-serving.Done():
			ctx.StopWithText(iris.StatusServiceUnavailable, "stopping")
		case <-broker.Done():
			ctx.StopWithText(iris.StatusServiceUnavailable, "stopping")
		default:
			switch {
			case member != nil && !member.Ready():
				ctx.StopWithText(iris.StatusServiceUnavailable, "waiting for NATS")
			case events != nil && !events.Ready():
				ctx.StopWithText(iris.StatusServiceUnavailable, "loading the events")
			default:
				ctx.WriteString("ok")
			}
		}
	}
}
