package sse

import "time"

const (
	// maxLogLines bounds the lines that wait to be logged: a terminal can be stopped with
	// Ctrl-S.
	maxLogLines = 64

	// logBurst is after how many lines at once the log pauses, for logPause. Thousands of
	// clients can reconnect in a second, and a line each would be a sixth of what that costs.
	logBurst = 8
	logPause = 100 * time.Millisecond
)

// A logLine says that a client was added or removed, and how many clients were registered then.
type logLine struct {
	added   bool
	clients int
}

// logLines are what waits to be logged.
type logLines struct {
	lines []logLine
	more  int // how many lines there was no room for, after these

	failure error // of the archive; nil for none
}

// log leaves a line for writeLog. What waits there grows until it is picked up, as events
// do: where a terminal blocks or is slow, neither listen nor a client waits for it.
func (b *Broker) log(line logLine) {
	waiting := b.takeBackLog()
	if len(waiting.lines) < maxLogLines {
		waiting.lines = append(waiting.lines, line)
	} else {
		waiting.more++
	}
	b.logLines <- waiting
}

// logFailure leaves an error of the archive for writeLog, unless there was one in the last minute.
func (b *Broker) logFailure(err error, now time.Time) {
	if last := b.replays.logged; last.IsZero() || now.Sub(last) >= archiveLogPause {
		b.replays.logged = now
		waiting := b.takeBackLog()
		waiting.failure = err
		b.logLines <- waiting
	}
}

// takeBackLog takes back what waits to be logged.
func (b *Broker) takeBackLog() (waiting logLines) {
	select {
	case waiting = <-b.logLines:
	default:
	}
	return waiting
}

// writeLog writes what listen logs, in its order, until listen ends.
func (b *Broker) writeLog() {
	for waiting := range b.logLines {
		for _, line := range waiting.lines {
			if line.added {
				b.options.Log.Infof("Client added. %d registered clients", figure{"clients", line.clients})
			} else {
				b.options.Log.Warnf("Removed client. %d registered clients", figure{"clients", line.clients})
			}
		}
		if waiting.failure != nil {
			b.options.Log.Errorf("The archive failed, so the streams end that were getting events from it: %v", waiting.failure)
		}
		if waiting.more > 0 {
			b.options.Log.Warnf("%d more clients were added or removed, too many to log each", figure{"more", waiting.more})
		}
		if len(waiting.lines) > logBurst {
			select {
			case <-time.After(logPause):
			case <-b.done:
			}
		}
	}
}
