package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// joinNobody joins a cluster whose NATS is never there.
func joinNobody(t *testing.T) (*sse.Broker, *Member) {
	t.Helper()
	broker := sse.NewBroker()
	member, err := Join(broker, Options{URLs: "nats://127.0.0.1:1", Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		broker.Shutdown(context.Background())
		waitUntilLeft(t)
	})
	return broker, member
}

// waitUntilLeft waits until no goroutine of a member's is left, nor of its NATS client's: what they log later comes amid the
// next test, which may look at what is logged.
func waitUntilLeft(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, func() error {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if bytes.Contains(stacks, []byte("nats-io/nats.go")) || bytes.Contains(stacks, []byte("cluster.(*Member)")) {
			return fmt.Errorf("a member has not left:\n%s", stacks)
		}
		return nil
	})
}

func TestPublishSaysForCertainWhatWasNotPublished(t *testing.T) {
	broker, member := joinNobody(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) || errors.Is(err, ErrUncertain) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	check("NATS is absent", member.Publish(t.Context(), sse.Event{}), errNotConnected)
	check("an ID", member.Publish(t.Context(), sse.Event{ID: 1}), errHasID)
	check("a name of two lines", member.Publish(t.Context(), sse.Event{Name: "a\nb"}), sse.ErrName)
	check("a name that is not UTF-8", member.Publish(t.Context(), sse.Event{Name: "caf\xe9"}), sse.ErrName)
	check("a topic of two lines", member.Publish(t.Context(), sse.Event{Topic: "a\nb"}), sse.ErrTopic)
	check("the context has ended", member.Publish(ended, sse.Event{}), context.Canceled)
	broker.Shutdown(t.Context())
	check("the broker has stopped", member.Publish(t.Context(), sse.Event{}), sse.ErrStopped)
}

// A field that sse.Event gets is lost on NATS until a message has it.
func TestEventFromNATSHasEachField(t *testing.T) {
	e := sse.Event{Topic: "mail/anna", Name: "alert", Data: []byte("hello")}
	msg := messageOf(e)
	topic, _ := topicOf(msg.Subject)
	read := reflect.ValueOf(eventOf(1, topic, msg))
	for field, want := range reflect.ValueOf(e).Fields() {
		got := read.FieldByIndex(field.Index)
		switch {
		case field.Name == "ID" || field.Name == "Gap": // They are the stream's to give.
		case want.IsZero():
			t.Errorf("the test gives %s no value", field.Name)
		case !reflect.DeepEqual(got.Interface(), want.Interface()):
			t.Errorf("%s is %v, want %v", field.Name, got, want)
		}
	}
}

func TestSendToTheNotifierOfABrokerThatAClusterFeedsPanics(t *testing.T) {
	broker, _ := joinNobody(t)
	defer func() {
		if recover() == nil {
			t.Error("the send goes unnoticed")
		}
	}()
	select {
	case broker.Notifier <- sse.Event{}:
	default:
	}
}
