package program

import (
	"context"
	"errors"
	"fmt"

	"example.com/sse/cluster"
	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/golog"
)

// A Source is what a broker's events come from: this server's memory, its disk, or the stream of all servers.
type Source struct {
	Publish func(context.Context, sse.Event) error // as [sse.Broker.Publish]
	Member  *cluster.Member                        // with -nats; otherwise nil
	Store   *store.Store                           // with -data; otherwise nil
}

// OpenSource opens the source that the options name, for a broker. Call it before the server listens. Where the events
// on disk turn out later not to be readable, the program ends: the server must not go on without them.
func (o *Options) OpenSource(broker *sse.Broker, log *Output) (*Source, error) {
	switch {
	case o.NATS.URLs != "":
		member, err := cluster.Join(broker, o.NATS)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", o.GivenAs("nats"), err)}
		}
		return &Source{Publish: member.Publish, Member: member}, nil
	case o.Data.Dir != "":
		events, err := store.Open(broker, o.Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.GivenAs("data"), err)
		}
		go watchStore(events, func(err error) { log.Fail(exitFailed, "%s: %v", o.GivenAs("data"), err) })
		return &Source{Publish: events.Publish, Store: events}, nil
	}
	return &Source{Publish: broker.Publish}, nil
}

// watchStore waits until the events on disk are loaded, and calls fail where they can't be loaded. Once they are
// loaded, it writes a backup whenever a signal asks for one (backupSignals).
func watchStore(events *store.Store, fail func(error)) {
	if err := events.Wait(); err != nil {
		if !errors.Is(err, sse.ErrStopped) {
			fail(err)
		}
		return
	}
	for range backupSignals() {
		if path, err := events.Backup(); err != nil {
			golog.Errorf("backup: %v", err)
		} else {
			golog.Infof("backup: %s is written", path)
		}
	}
}

// waitsFor returns what the source does before clients can resume, in words, or "" once they can.
func (s *Source) waitsFor() string {
	switch {
	case s.Member != nil && !s.Member.Ready():
		return "waiting for NATS"
	case s.Store != nil && !s.Store.Ready():
		return "loading the events"
	}
	return ""
}

// Close stores on disk what Publish has accepted. Call it when the broker has stopped.
func (s *Source) Close() error {
	if s.Store == nil {
		return nil
	}
	return s.Store.Close()
}
