package sse

import (
	"context"
	"fmt"
	"log/slog"
)

// A Logger takes the log lines of a broker. A [golog.Logger] is one, and [SlogLogger] makes one of a
// [slog.Logger]. An argument that is a figure, such as how many clients there are, prints as a number, and has
// the method Figure() (name string, value int64) for whoever collects figures.
type Logger interface {
	Infof(format string, args ...any)
	Warnf(format string, args ...any)
	Errorf(format string, args ...any)
}

// A figure is a number in a log line.
type figure struct {
	name  string
	value int
}

// Figure returns the figure's name and value.
func (f figure) Figure() (name string, value int64) { return f.name, int64(f.value) }

// Format prints the figure as a number (fmt.Formatter).
func (f figure) Format(s fmt.State, verb rune) { fmt.Fprintf(s, fmt.FormatString(s, verb), f.value) }

// SlogLogger returns a Logger that logs through l: each line as a message, and its figures as attributes. One with
// [slog.DiscardHandler] logs nothing.
func SlogLogger(l *slog.Logger) Logger { return slogLogger{l} }

type slogLogger struct{ l *slog.Logger }

func (s slogLogger) Infof(format string, args ...any)  { s.log(slog.LevelInfo, format, args) }
func (s slogLogger) Warnf(format string, args ...any)  { s.log(slog.LevelWarn, format, args) }
func (s slogLogger) Errorf(format string, args ...any) { s.log(slog.LevelError, format, args) }

func (s slogLogger) log(level slog.Level, format string, args []any) {
	var figures []any
	for _, arg := range args {
		if f, ok := arg.(interface{ Figure() (string, int64) }); ok {
			name, value := f.Figure()
			figures = append(figures, slog.Int64(name, value))
		}
	}
	s.l.Log(context.Background(), level, fmt.Sprintf(format, args...), figures...)
}
