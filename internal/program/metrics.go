package program

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A metric is one line of /metrics. It is there from the start, and no user can add a value to its label.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*snapshot) float64
}

// gauge and counter return a metric. The label, where there is one, is a name and its value; metrics that differ
// in the label's value alone have the same help.
func gauge(name, help string, value func(*snapshot) int64) metric {
	return newMetric(prometheus.GaugeValue, name, help, nil, value)
}

func counter(name, help string, value func(*snapshot) int64, label ...string) metric {
	return newMetric(prometheus.CounterValue, name, help, label, value)
}

func newMetric(kind prometheus.ValueType, name, help string, label []string, value func(*snapshot) int64) metric {
	labels := prometheus.Labels{}
	if len(label) > 0 {
		labels[label[0]] = label[1]
	}
	return metric{prometheus.NewDesc(name, help, nil, labels), kind, func(s *snapshot) float64 { return float64(value(s)) }}
}

// rounds is the one histogram.
var rounds = prometheus.NewDesc("sse_round_duration_seconds",
	"Time from when the server had an event until it was written to all clients that are not slow, one observation for each round of writing.", nil, nil)

const (
	disconnects  = "Clients that are not connected any more, by reason."
	resumes      = "Clients that sent a last event ID, by whether all that they had missed was retained."
	refusals     = "Requests for a stream or to publish that were refused, by reason."
	publications = "Answers to POST requests that publish, by status."
)

// metrics returns the metrics that the server has beside rounds.
func (f Figures) metrics() []metric {
	all := ownMetrics
	if f.Source.Member != nil {
		all = slices.Concat(all, natsMetrics)
	}
	if f.Source.Store != nil {
		all = slices.Concat(all, storeMetrics)
	}
	return all
}

// ownMetrics are those of every server.
var ownMetrics = slices.Concat([]metric{
	gauge("sse_clients", "Clients that are connected.", func(s *snapshot) int64 { return s.Clients }),
	counter("sse_connects_total", "Clients that have connected.", func(s *snapshot) int64 { return s.ClientsTotal }),
	counter("sse_disconnects_total", disconnects, func(s *snapshot) int64 { return s.Disconnects.ClientLeft }, "reason", "client_left"),
	counter("sse_disconnects_total", disconnects, func(s *snapshot) int64 { return s.Disconnects.Slow }, "reason", "slow"),
	counter("sse_disconnects_total", disconnects, func(s *snapshot) int64 { return s.Disconnects.NetworkSilent }, "reason", "network_silent"),
	counter("sse_disconnects_total", disconnects, func(s *snapshot) int64 { return s.Disconnects.StreamEnded }, "reason", "stream_ended"),
	counter("sse_disconnects_total", disconnects, func(s *snapshot) int64 { return s.Disconnects.TooMuchInput }, "reason", "too_much_input"),
	counter("sse_events_published_total", "Events that the server has had to send.", func(s *snapshot) int64 { return s.Events }),
	counter("sse_published_bytes_total", "Bytes of these events, as they are in a stream.", func(s *snapshot) int64 { return s.EventBytes }),
	counter("sse_events_sent_total", "Events that were handed over to be sent to a client, once for each client.", func(s *snapshot) int64 { return s.EventsSent }),
	counter("sse_sent_bytes_total", "Bytes of streams that were written to clients, heartbeats among them.", func(s *snapshot) int64 { return s.BytesSent }),
	counter("sse_resumes_total", resumes, func(s *snapshot) int64 { return s.Resumes - s.ResumesIncomplete }, "complete", "true"),
	counter("sse_resumes_total", resumes, func(s *snapshot) int64 { return s.ResumesIncomplete }, "complete", "false"),
	counter("sse_gaps_told_total", "Gap events by which clients have learned that events are missing.", func(s *snapshot) int64 { return s.Gaps }),
	gauge("sse_retained_events", "Events that are retained for clients that reconnect.", func(s *snapshot) int64 { return s.Retained }),
	gauge("sse_retained_bytes", "Bytes that these count against -history.", func(s *snapshot) int64 { return s.RetainedBytes }),
	gauge("sse_topics", "Topics that retain an event or have a client.", func(s *snapshot) int64 { return s.Topics }),
	{
		prometheus.NewDesc("sse_retained_oldest_age_seconds", "Time since the oldest of the retained events came; 0 without one.", nil, nil),
		prometheus.GaugeValue,
		func(s *snapshot) float64 { return s.OldestAge.Seconds() },
	},
}, publicationMetrics(), refusalMetrics())

// publicationMetrics returns a metric for each status with which publications are answered.
func publicationMetrics() (all []metric) {
	for _, status := range publicationNames() {
		all = append(all, counter("sse_publications_total", publications, func(s *snapshot) int64 { return s.Publications[status] }, "code", status))
	}
	return all
}

// refusalMetrics returns a metric for each reason of a refusal.
func refusalMetrics() (all []metric) {
	for r := range reasons {
		all = append(all, counter("sse_refusals_total", refusals, func(s *snapshot) int64 { return s.Refused[r.String()] }, "reason", r.String()))
	}
	return all
}

// natsMetrics are those of a server with -nats.
var natsMetrics = []metric{
	gauge("sse_nats_connected", "Whether NATS is connected: 1 or 0.", func(s *snapshot) int64 {
		if s.NATS.Connected {
			return 1
		}
		return 0
	}),
	gauge("sse_nats_lag_events", "Events on NATS that the server had not read when NATS last sent it one.", func(s *snapshot) int64 { return int64(s.NATS.Lag) }),
	counter("sse_nats_missed_events_total", "Events that were deleted from NATS before the server had read them.", func(s *snapshot) int64 { return int64(s.NATS.Missed) }),
}

// storeMetrics are those of a server with -data.
var storeMetrics = []metric{
	gauge("sse_store_waiting", "Publications that wait to be on disk.", func(s *snapshot) int64 { return s.Store.Waiting }),
	counter("sse_store_events_stored_total", "Events that were stored on disk.", func(s *snapshot) int64 { return s.Store.Stored }),
	counter("sse_store_events_refused_total", "Events that were refused because the disk was full or had failed.", func(s *snapshot) int64 { return s.Store.Failed }),
	gauge("sse_store_events", "Events that are retained on disk.", func(s *snapshot) int64 { return s.Store.Events }),
	gauge("sse_store_bytes", "Bytes that these count against -data-bytes.", func(s *snapshot) int64 { return s.Store.Bytes }),
}

// metricsHandler returns a handler that answers all metrics, also those of Go's runtime and of the process, in
// Prometheus's text format (version 0.0.4).
//
// Prometheus's own library makes the binary 9 % larger (1.8 MB without symbols; VictoriaMetrics/metrics takes 0.1 MB) and
// has a scrape allocate 200 KB instead of 77. It was chosen because VictoriaMetrics/metrics, at v1.45.0, writes a HELP
// without a text, and a TYPE line for each value of a label, which promtool refuses. A scrape comes each few seconds,
// and takes about a millisecond with either library, most of it for the process's figures.
func (f Figures) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), f)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Describe is for [prometheus.Collector].
func (f Figures) Describe(to chan<- *prometheus.Desc) {
	for _, metric := range f.metrics() {
		to <- metric.desc
	}
	to <- rounds
}

// Collect is for [prometheus.Collector].
func (f Figures) Collect(to chan<- prometheus.Metric) {
	s := f.snapshot()
	for _, metric := range f.metrics() {
		to <- prometheus.MustNewConstMetric(metric.desc, metric.kind, metric.value(s))
	}
	buckets := make(map[float64]uint64, len(s.Rounds.Buckets))
	for _, bucket := range s.Rounds.Buckets {
		buckets[bucket.AtMost.Seconds()] = uint64(bucket.Count)
	}
	to <- prometheus.MustNewConstHistogram(rounds, uint64(s.Rounds.Count), s.Rounds.Sum.Seconds(), buckets)
}
