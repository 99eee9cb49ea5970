package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
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
  network. Servers take turns; a figure is the median of the rounds, but events lost, doubled or late, clients
  dropped and the worst spread are the worst of all rounds.
- All servers send the demo's payload, and an id before it, which the seed's program does not send. What a client missed or got
  twice is told by the ids that other clients got. The seed's events are told apart by their timestamp and by counting
  those with the same timestamp; nchan and r3labs make their own ids.
- CPU is the server's processor time, user and system, from its process clock, divided by the events that clients received.
  Memory is what is resident above the server without clients, after the measurement; what nginx's
  processes share counts once. Of nchan nginx alone is measured, not the publisher.
- Spread is the time from the first client's receipt of an event to the last's, as the load sees it.
- A client counts as connected when the head of its answer has come; the seed's program sends it with the first event.
- Before coming back all clients are disconnected until an event has passed them by. Those servers that can't resume lose it.
- limit is no server, but what one would expect none to go below: it keeps nothing, watches nobody and waits for whoever
  does not read. It writes with write(2) in one goroutine, so its spread is that of one core; this server writes with
  sendto(2), which costs a little less.
- Under overload a server that waits for its clients makes fewer events than the interval asks for. "Clients that got
  nothing" were let in too late, or not at all, by a server busy sending.
`

// markdown returns the report.
func (r *results) markdown() string {
	var b strings.Builder
	o := r.options
	fmt.Fprintf(&b, "# Results\n\nMade by `make bench` on %s: %s, %d cores, Linux %s, %s. %d rounds took %v; the load took at most %s of a core.\n\n",
		r.began.UTC().Format("2006-01-02"), processor(), runtime.NumCPU(), kernel(), runtime.Version(), o.rounds, r.took.Round(1e9), number(r.loadShare()))
	b.WriteString("![CPU, memory, throughput and spread of all servers](results.svg)\n\n| | is | version |\n|---|---|---|\n")
	for _, s := range r.servers {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.name, s.what, r.versions[s.name])
	}
	b.WriteString("\n## What this server must reach\n\n| figure | bar | value | reached |\n|---|---|--:|---|\n")
	for _, c := range r.checks() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.figure, c.bar, c.value, c.verdict())
	}
	b.WriteString("\n## Figures\n\nIn parentheses: as a multiple of the seed's program, and of the limit.\n")
	b.WriteString(r.table(true))
	b.WriteString(method)
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

// processor returns the machine's processor by name.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return runtime.GOARCH
}

// kernel returns the kernel's version.
func kernel() string {
	b, _ := exec.Command("uname", "-r").Output()
	return strings.TrimSpace(string(b))
}
