package program

import (
	"example.com/sse/cluster"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// Health returns a handler that answers 200 while the server serves, and 503 while it stops or has not
// read the events of all servers yet. A server alone has a nil member.
func Health(broker *sse.Broker, member *cluster.Member) iris.Handler {
	return func(ctx iris.Context) {
		select {
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
