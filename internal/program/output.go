package program

import (
	"fmt"
	"io"
	"os"
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

// An Output writes log lines in a goroutine of its own, so that whoever logs neither waits for a terminal that is
// stopped, or for a pipe that nobody reads, nor gets an error from a full disk. At most 64 KiB wait to be written: lines
// beyond that are counted and left out. It is the sse.Logger of a broker. Its methods are safe for concurrent use.
type Output struct {
	w            io.Writer
	colors, json bool

	mu      sync.Mutex    // protects what follows
	waiting []byte        // whole lines
	lost    int           // how many lines after those were left out
	written chan struct{} // closed when nothing waits any more; nil while nothing does
}

// LogTo has golog, and every Iris app that is created afterwards, log to w: as text, with colors for a
// terminal, or each line as a JSON object.
func LogTo(w io.Writer, colors, json bool) *Output {
	o := &Output{w: w, colors: colors, json: json}
	// golog gives a handler a line as a whole. It would give an io.Writer the line in six pieces, each with a system call,
	// and mix the pieces of two loggers.
	golog.Handle(o.handle)
	return o
}

// handle writes what is logged with golog.
func (o *Output) handle(log *golog.Log) bool {
	o.log(line{log.Level, log.Logger.Prefix + log.Message, log.Fields})
	return true
}

// Infof logs a line, with its arguments that are figures (sse.Logger).
func (o *Output) Infof(format string, args ...any) { o.logf(golog.InfoLevel, format, args) }

// Warnf is [Output.Infof] for a warning.
func (o *Output) Warnf(format string, args ...any) { o.logf(golog.WarnLevel, format, args) }

// Errorf is [Output.Infof] for an error.
func (o *Output) Errorf(format string, args ...any) { o.logf(golog.ErrorLevel, format, args) }

func (o *Output) logf(level golog.Level, format string, args []any) {
	figures := make(golog.Fields)
	for _, arg := range args {
		if f, ok := arg.(interface{ Figure() (string, int64) }); ok {
			name, value := f.Figure()
			figures[name] = value
		}
	}
	o.log(line{level, fmt.Sprintf(format, args...), figures})
}

// Listening says where the server listens, and which topics are open: the first line, which has no time as text.
func (o *Output) Listening(url, topics string) {
	message := "Now listening on: " + url + " (" + topics + ")"
	if o.json {
		o.log(line{golog.InfoLevel, message, golog.Fields{"url": url}})
		return
	}
	o.writeSoon(message + "\nPress Ctrl-C to stop.")
}

// Complain prints warnings on the standard error, a line each. They are of the options, and no part of the log.
func (o *Output) Complain(warnings ...string) {
	for _, warning := range warnings {
		o.complain(golog.WarnLevel, warning)
	}
}

// Fail prints on the standard error, in one line, why the program ends, and ends it with an exit code.
func (o *Output) Fail(code int, format string, args ...any) {
	o.Flush()
	o.complain(golog.ErrorLevel, fmt.Sprintf(format, args...))
	os.Exit(code)
}

func (o *Output) complain(level golog.Level, message string) {
	if o.json {
		message = line{level, message, nil}.asJSON(time.Now())
	} else {
		message = "sse: " + message
	}
	fmt.Fprintln(os.Stderr, message)
}

// log leaves a line to be written.
func (o *Output) log(l line) { o.writeSoon(o.format(l)) }

func (o *Output) format(l line) string {
	if o.json {
		return l.asJSON(time.Now())
	}
	return l.asText(time.Now(), o.colors)
}

// writeSoon leaves text, without its last line break, to be written.
func (o *Output) writeSoon(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting)+len(text) > maxWaiting {
		o.lost++
		return
	}
	o.waiting = append(append(o.waiting, text...), '\n')
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
			lines = append(append(lines, o.missing()...), '\n')
		}
		o.waiting, o.lost = nil, 0
		o.mu.Unlock()
		o.w.Write(lines)
	}
}

// missing returns the line that stands for those for which there was no room. The mutex must be held.
func (o *Output) missing() string {
	message := fmt.Sprintf("%d lines are missing here: they came faster than they could be written", o.lost)
	if !o.json {
		return message
	}
	return line{golog.WarnLevel, message, golog.Fields{"missing": o.lost}}.asJSON(time.Now())
}

// Flush returns when all lines are written, or after flushTimeout where writing blocks.
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
