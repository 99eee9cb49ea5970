package sse

import "github.com/kataras/golog"

// A logLine says that a client was added or removed, and how many are registered since.
type logLine struct {
	added   bool
	clients int
}

// log leaves a line for writeLog. What waits there grows until it is picked up, as events
// do: where a terminal blocks or is slow, neither listen nor a client waits for it.
func (b *Broker) log(line logLine) {
	var lines []logLine
	select {
	case lines = <-b.logLines:
	default:
	}
	b.logLines <- append(lines, line)
}

// writeLog writes what listen logs, in its order, until listen ends.
func (b *Broker) writeLog() {
	for lines := range b.logLines {
		for _, line := range lines {
			if line.added {
				golog.Infof("Client added. %d registered clients", line.clients)
			} else {
				golog.Warnf("Removed client. %d registered clients", line.clients)
			}
		}
	}
}
