package program

import (
	"context"

	"example.com/sse/cluster"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// Health returns a handler that answers 200 while the server serves, and 503 from when it is to stop, which is when
// a context ends, and before it has read the events of all servers. A server alone has a nil member.
func Health(serving context.Context, broker *sse.Broker, member *cluster.Member) iris.Handler {
	return func(ctx iris.Context) {
		select {
		case <-serving.Done():
			ctx.StopWithText(iris.StatusServiceUnavailable, "stopping")
		case <-broker.Done():
			ctx.StopWithText(iris.StatusServiceUnavailable, "stopping")
		default:
			if member != nil && !member.Ready() {
				ctx.StopWithText(iris.StatusServiceUnavailable, "waiting for NATS")
				return
			}
			ctx.WriteString("ok")
		}
	}
}

// Stats returns a handler that answers the server's figures, as JSON. A server alone has a nil member.
//
// They are no secret: a page of another site can read them by DNS rebinding, since any Host is answered.
func Stats(broker *sse.Broker, member *cluster.Member) iris.Handler {
	return func(ctx iris.Context) {
		if member == nil {
			ctx.JSON(broker.Stats())
			return
		}
		ctx.JSON(struct {
			sse.Stats
			NATS cluster.Stats `json:"nats"`
		}{broker.Stats(), member.Stats()})
	}
}
