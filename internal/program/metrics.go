package program

import (
	"net/http"

	"example.com/sse/cluster"
	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/iris/v12"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Figures are what the server tells of itself, to people and to Prometheus.
type Figures struct {
	Broker       *sse.Broker
	Publications *Publications
	Rights       *Rights
	Member       *cluster.Member // nil for a server alone
	Store        *store.Store    // nil without a disk
}

// Register adds the routes of the figures to an app: /stats and /metrics. They name no topic.
//
// They are no secret: a page of another site can read them by DNS rebinding, since any Host is answered.
func (f Figures) Register(app *iris.Application) {
	app.HandleMany("GET HEAD", "/stats", f.stats)
	app.HandleMany("GET HEAD", "/metrics", iris.FromStd(f.metrics()))
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
	s := &snapshot{Stats: f.Broker.Stats(), Publications: f.Publications.byAnswer(), Refused: f.Rights.Refused()}
	if f.Member != nil {
		nats := f.Member.Stats()
		s.NATS = &nats
	}
	if f.Store != nil {
		disk := f.Store.Stats()
		s.Store = &disk
	}
	return s
}

// stats answers the figures for people, as JSON.
func (f Figures) stats(ctx iris.Context) { ctx.JSON(f.snapshot()) }

// metrics returns a handler that answers all figures, also those of Go's runtime and of the process, in
// Prometheus's text format (version 0.0.4).
//
// Prometheus's own library makes the binary 9 % larger (1.8 MB without symbols; VictoriaMetrics/metrics takes 0.1 MB) and
// a scrape allocate 200 KB in place of 77. What it is taken for: that other one, at v1.45.0, writes a HELP without a
// text, and a TYPE line for each value of a label, which promtool refuses. A scrape comes each few seconds, and takes
// about a millisecond with either, most of it for the process's figures.
func (f Figures) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), f)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Describe is for [prometheus.Collector].
func (f Figures) Describe(to chan<- *prometheus.Desc) {
	for _, figure := range f.figures() {
		to <- figure.desc
	}
	to <- rounds
}

// Collect is for [prometheus.Collector].
func (f Figures) Collect(to chan<- prometheus.Metric) {
	s := f.snapshot()
	for _, figure := range f.figures() {
		to <- prometheus.MustNewConstMetric(figure.desc, figure.kind, figure.value(s))
	}
	buckets := make(map[float64]uint64, len(s.Rounds.Buckets))
	for _, bucket := range s.Rounds.Buckets {
		buckets[bucket.AtMost.Seconds()] = uint64(bucket.Count)
	}
	to <- prometheus.MustNewConstHistogram(rounds, uint64(s.Rounds.Count), s.Rounds.Sum.Seconds(), buckets)
}
