package program

import (
	"example.com/sse/cluster"
	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/iris/v12"
)

// Figures are what the server tells of itself, to people as JSON and to Prometheus.
type Figures struct {
	Broker *sse.Broker
	Source *Source
	Rights *Rights
}

// Register adds the routes of the figures to an app: /stats and /metrics. They name no topic.
//
// They are no secret: a page of another site can read them by DNS rebinding, since any Host is answered.
func (f Figures) Register(app *iris.Application) {
	app.HandleMany("GET HEAD", "/stats", func(ctx iris.Context) { ctx.JSON(f.snapshot()) })
	app.HandleMany("GET HEAD", "/metrics", iris.FromStd(f.metricsHandler()))
}

// A snapshot is the figures at one time, as JSON has them.
type snapshot struct {
	sse.Stats
	Publications map[string]int64 `json:"publications"`
	Refused      map[string]int64 `json:"refused"`
	NATS         *cluster.Stats   `json:"nats,omitempty"`
	Store        *store.Stats     `json:"store,omitempty"`
}

func (f Figures) snapshot() *snapshot {
	s := &snapshot{Stats: f.Broker.Stats(), Publications: f.Rights.Published(), Refused: f.Rights.Refused()}
	if f.Source.Member != nil {
		nats := f.Source.Member.Stats()
		s.NATS = &nats
	}
	if f.Source.Store != nil {
		disk := f.Source.Store.Stats()
		s.Store = &disk
	}
	return s
}
