package main

import (
	"fmt"
	"os"
	"strings"

	"example.com/sse/bench/format"
	"example.com/sse/bench/machine"
)

// write writes name.md and name.svg.
func (r *results) write(name string) error {
	if err := os.WriteFile(name+".md", []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	return r.chart(name + ".svg")
}

const method = `
## How it is measured

- Every server is a process of its own and gets the same load from another process on the same machine, over the loopback
  network. Servers take turns, those for one figure in a row; a figure is the median of the rounds, but for events lost, doubled or late, clients
  dropped and the worst spread it is the worst of all rounds.
- All servers send the demo's payload after an id; the seed's program sends no id. What a client missed or got
  twice is known from the ids that other clients got. The seed's events are identified by their timestamp and by counting
  those with the same timestamp; nchan, r3labs and Centrifugo number events themselves, Centrifugo by offsets inside the data.
- CPU is the server's processor time, user and system, from its process clock, divided by the events that clients received.
  The measurement begins 1.2 s after the last client has connected, so that what a server clears up then is done. Memory is
  what is resident afterwards, above what was when the server had served its first client and that had left; what nginx's
  processes share counts once. Of nchan only nginx is measured, not the publisher, and of centrifugo only Centrifugo. proxied is nginx and this server together, and
  nginx's part is given, too.
- Over HTTPS all servers have the same certificate (P-256) and their own defaults otherwise: the Go servers those of crypto/tls and net/http, nginx those of
  OpenSSL. Each client has a connection of its own, as each browser has, and verifies the certificate. All use TLS 1.3. The Go servers
  agree on the key exchange X25519MLKEM768, as they do with today's browsers; nginx here knows only X25519, which costs less. Over HTTP/2 the load
  grants the flow control windows that Chromium grants.
- CPU per connect is the processor time from the first client's connect to the last one's header, divided by the clients; what
  events cost meanwhile is subtracted, at the price of an event that was measured. A reconnect includes the replay of what was missed
  and over HTTPS resumes the session with the ticket that the server sent.
- The kernel's memory is that of its objects in use (sockets, files, epoll's entries: /proc/slabinfo, without connections that were closed before)
  and of the data in sockets' buffers (/proc/net/sockstat), above what there was without clients. Both ends of each connection are on this machine and
  counted, and their sizes are taken as equal, so a client's is half of it; behind nginx there are two connections a client, and three of their four
  ends are the servers'. Where only the superuser may read /proc/slabinfo it is the pages of all such objects instead.
- Spread is the time from the first client's receipt of an event to the last's, as the load sees it.
- A client counts as connected when the header of its answer has arrived; the seed's program sends it with the first event.
- Before clients reconnect, all but %d stay disconnected while one event is sent. Servers that can't resume lose it. Over HTTPS only this server, bare and proxied
  reconnect: with all servers the run would take too long.
- limit is no server, but what one would expect none to go below: it keeps nothing, watches nobody and waits for whoever
  does not read. It writes with write(2) in one goroutine, so its spread is that of one core; this server writes with
  sendto(2), which costs a little less.
- Under overload a server that waits for its clients sends fewer events than the interval asks for. "Clients that got
  nothing" were accepted too late, or never, by a server busy sending.
- The bars compare with rivals: all but app, limit and proxied. The best Go rival is one of the seed's program, go-sse, r3labs, bare and centrifugo. With 1,000 and
  18,000 clients only this server is measured; its memory is compared with the rivals' with 9,000.
- With topics each client has topics of its own, which its URL names, and each event goes to a topic at random. This server is there as app: it
  publishes in its process, as go-sse and r3labs do, and a publication is the time in the call of Publish. To nchan and Centrifugo a publication is a request and its
  answer over one connection on the loopback network, for which the publisher, another process, takes no processor time that is measured; that of the
  Go servers, with an event's payload, is part of their CPU. All publish when an event is due, and at once what a slow publication has delayed. A server
  that is slower than that publishes less. The median is less troubled than the mean by what else needs the processors.
- Memory with topics is measured before the first event: it is a silent client's, and that of its topic. r3labs makes a stream for a topic when
  a client asks for it. A stream of r3labs has one topic only.
- For topics without a client an event is published to each topic. Memory is what is resident more than after one
  such event, without the event's bytes on the wire; the Go servers but Centrifugo collect their garbage before. go-sse retains here as many events as there are topics, this
  server 64 MiB. Runs with several topics a client and without clients are in the first round only.
- Events on disk are on that of the directory for temporary files ($TMPDIR); on one in memory the figures say nothing. A publication lasts until the event
  is on disk: over HTTP until the answer, each publisher over a connection of its own with a token, and by a call, of the app that publishes in its process,
  until it returns. Each publisher publishes as fast as it can, with an event's payload. What the publishers over HTTP take, which run in the load's
  process, the server lacks. The median and the worst of the calls are those of the last 32,768 of each look, of which there are twenty a second.
- With and without events on disk the same is measured one after the other. Silent clients get a heartbeat each second, and nothing else.
- Before a server is started anew, all but %d clients are disconnected while one event is sent, and then these, too. All then connect again, each with its last event
  ID. Servers that keep events in memory alone lose it. Where nchan is built with assertions, as Debian's is, its workers fail one and end when clients name an event that it no longer
  has: these are the clients dropped, and they have not resumed.
- Clients that lack events on disk were connected before 4,096 events of 1 KiB each were stored, and connect again when the others are there. The server has a history of 64 KiB in
  memory, so that all comes from the disk's file, most of it from the kernel's memory. How late an event is is what a client waited for it beyond the interval; that includes what the load,
  which reads 4 GiB meanwhile, is late to read.
- Centrifugo is configured with a history of 4,096 events or a minute for each channel, as nchan is, and recovers with its epoch and offset, which a
  client names in its URL.
`

// markdown returns the report.
func (r *results) markdown() string {
	var b strings.Builder
	o := r.options
	fmt.Fprintf(&b, "# Results\n\nMade by `make bench` on %s: %s. %d rounds took %v; the load took at most %s of a core.\n\n",
		r.began.UTC().Format("2006-01-02"), machine.Description(), o.rounds, r.took.Round(1e9), format.Number(r.loadShare()))
	b.WriteString("![CPU and memory of all servers, without and with TLS, connecting, throughput and spread](results.svg)\n\n| | is | version |\n|---|---|---|\n")
	for _, s := range r.servers {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.name, s.what, r.versions[s.name])
	}
	b.WriteString("\n## What this server must reach\n\n| figure | bar | value | reached |\n|---|---|--:|---|\n")
	for _, c := range r.checks() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.figure, c.bar, c.value, c.verdict())
	}
	b.WriteString(r.cost())
	b.WriteString("\n## Figures\n\nIn parentheses: as a multiple of the seed's program and, where it takes part, of the limit.\n")
	b.WriteString(r.table(true))
	fmt.Fprintf(&b, method, steady, steady)
	return b.String()
}

// loadShare returns the largest share of a core that the load took in any run.
func (r *results) loadShare() (share float64) {
	for _, figures := range r.figures {
		for name, values := range figures {
			if strings.HasSuffix(name, "/load") {
				for _, v := range values {
					share = max(share, v)
				}
			}
		}
	}
	return share
}
