package main

import (
	"fmt"
	"math"
)

// topicSections returns what the table shows of topics.
func (r *results) topicSections() []section {
	o := r.options
	addressed := func(step string, clients, topics int) section {
		title := fmt.Sprintf("%d clients on a topic each, an event each %v", clients, topicInterval)
		if topics > clients {
			title = fmt.Sprintf("%d clients on %d topics each, an event each %v", clients, topics/clients, topicInterval)
		}
		return section{title, []row{
			{step + "/rate", "delivered a second", false},
			{step + "/cpu", "CPU per addressed event, µs", false},
			{step + "/publication", "a publication, median, µs", false},
			{step + "/publication-mean", "a publication, mean, µs", false},
			{step + "/memory", "memory per silent client with what is its topic's, KiB", false},
			{step + "/kernel", "the kernel's memory per client, KiB", false},
			{step + "/connect", "connect all, ms", false},
			{step + "/lost", "events lost", false},
			{step + "/doubled", "events doubled", false},
			{step + "/dropped", "clients dropped", false},
		}}
	}
	return []section{
		addressed("topics", o.most(), o.most()),
		addressed("ten", fewTopics, fewTopics),
		addressed("hundred", o.few(), o.few()*hundred),
		{fmt.Sprintf("%d silent clients of the default topic", o.most()), []row{
			{"default/memory", "memory per client, KiB", false},
			{"default/kernel", "the kernel's memory per client, KiB", false},
			{"default/connect", "connect all, ms", false},
		}},
		{fmt.Sprintf("%d topics with an event each and without a client", o.unwatched()), []row{
			{"nobody/topic", "memory per topic beside the event, bytes", false},
			{"nobody/publication", "a publication, median, µs", false},
			{"nobody/publication-mean", "a publication, mean, µs", false},
		}},
	}
}

// topicBars holds the figures of topics against the bars. This server's are the app's, which publishes in
// its process as the other Go servers do.
func (r *results) topicBars() []bar {
	own := func(name string) float64 { return r.value(app, name) }
	o := r.options
	among := fmt.Sprintf(", %d clients on a topic each", o.most())
	cpu := own("topics/cpu")
	return []bar{
		atMost("CPU per addressed event"+among, fmt.Sprintf("at most 1.15 times that among %d", fewTopics), cpu/own("ten/cpu"), 1.15),
		atMost("", "at most 1.5 times the limit's, whose writes are the kernel's work alone", cpu/r.value(limit, "topics/cpu"), 1.5),
		atMost("", "at most 0.15 of go-sse's", cpu/r.value(gosse, "topics/cpu"), 0.15),
		below("", "below every rival's", cpu, r.best("topics/cpu", math.Min, server.rival)),
		atMost("a publication, median"+among, "at most 10 µs", own("topics/publication"), 10),
		atMost("memory per client"+among, "at most 0.5 KiB more than a client of the default topic", own("topics/memory")-own("default/memory"), 0.5),
		atMost("topics, events lost or doubled", "0", own("topics/lost")+own("topics/doubled")+own("ten/lost")+own("ten/doubled")+own("hundred/lost")+own("hundred/doubled"), 0),
		atMost(fmt.Sprintf("memory per topic without a client, of %d", o.unwatched()), "at most 400 bytes beside the event", own("nobody/topic"), 400),
	}
}
