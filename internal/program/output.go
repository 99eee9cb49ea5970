package program

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/kataras/golog"
)

const (
	// maxWaiting bounds, in bytes, the log lines that wait to be written.
	maxWaiting = 64 << 10

	// flushTimeout is how long Flush waits for a writer that blocks.
	flushTimeout = 100 * time.Millisecond
)

// An Output writes log lines in a goroutine of its own, so that nobody waits for a terminal that is
// stopped or for a pipe that nobody reads, and nobody hears of a full disk. Lines for which there
// is no room are counted and left out. Its methods are safe for concurrent use.
type Output struct {
	w      io.Writer
	colors bool

	mu      sync.Mutex    // protects what follows
	waiting []byte        // whole lines
	lost    int           // lines for which there was no room, after those
	written chan struct{} // closed when nothing waits any more; nil while nothing does
}

// LogTo has golog, and every Iris app that is created afterwards, log to w. Colors are for
// terminals.
func LogTo(w io.Writer, colors bool) *Output {
	o := &Output{w: w, colors: colors}
	// A handler gets a line as a whole. An output of golog's gets it in six pieces, each with a system
	// call, and those of two loggers mixed.
	golog.Handle(o.handle)
	return o
}

// handle writes what is logged, as golog does, but for the seconds of the time.
func (o *Output) handle(log *golog.Log) bool {
	var line strings.Builder
	if level, ok := golog.Levels[log.Level]; ok && log.Level != golog.DisableLevel {
		if o.colors {
			fmt.Fprintf(&line, "\x1b[%dm%s\x1b[0m ", level.ColorCode, level.Title)
		} else {
			fmt.Fprintf(&line, "%s ", level.Title)
		}
	}
	fmt.Fprintf(&line, "%s %s%s", time.Now().Format("2006/01/02 15:04:05"), log.Logger.Prefix, log.Message)
	for name, value := range log.Fields {
		fmt.Fprintf(&line, " %s=%v", name, value)
	}
	o.Println(line.String())
	return true
}

// Println leaves a line to be written.
func (o *Output) Println(line string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting)+len(line) > maxWaiting {
		o.lost++
		return
	}
	o.waiting = append(append(o.waiting, line...), '\n')
	if o.written == nil {
		o.written = make(chan struct{})
		go o.write(o.written)
	}
}

// write writes until nothing waits. An error ends nothing: the disk may have room again later.
func (o *Output) write(written chan<- struct{}) {
	for {
		o.mu.Lock()
		lines := o.waiting
		if len(lines) == 0 {
			o.written = nil
			o.mu.Unlock()
			close(written)
			return
		}
		if o.lost > 0 {
			lines = fmt.Appendf(lines, "%d lines are missing here: they came faster than they could be written\n", o.lost)
		}
		o.waiting, o.lost = nil, 0
		o.mu.Unlock()
		o.w.Write(lines)
	}
}

// Flush returns when all lines are written, or after a moment where that blocks.
func (o *Output) Flush() {
	o.mu.Lock()
	written := o.written
	o.mu.Unlock()
	if written == nil {
		return
	}
	select {
	case <-written:
	case <-time.After(flushTimeout):
	}
}
