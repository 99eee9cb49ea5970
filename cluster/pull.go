package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// pullHeartbeat is how often NATS says that a request still waits for a message. After
	// two that did not come, the consumer counts as lost.
	pullHeartbeat = time.Second

	// pullExpiry is how long a request may wait for its messages.
	pullExpiry = 30 * time.Second

	// maxInFlight is how many messages may be on their way from NATS. They take at most 64 MiB, since NATS by default
	// allows 1 MiB a message, and are enough to read some 100,000 of the demo's events a second.
	maxInFlight = 64
)

var errSilent = errors.New("the consumer is silent")

// A puller gets the messages of a consumer. The MessagesContext of nats.go does so, too, but takes
// an empty message with a header "Status" for one of NATS itself, and hides it or ends (checkMsg in
// jetstream/message.go of v1.55.0; nats-io/nats-pure.rb#152 reports the same of another client). So anybody
// who may publish could make an event vanish: TestMessageThatLooksLikeAStatusOfNATSIsShown. A puller
// belongs to one goroutine.
type puller struct {
	nc       *nats.Conn
	consumer string // its name
	sub      *nats.Subscription
	msgs     chan *nats.Msg
	silence  *time.Timer
	batch    int  // how many messages a request is for
	maxBytes int  // how many bytes a request is for; 0 is no bound
	waiting  int  // how many messages were requested and have not come
	tooLarge bool // the next message is larger than maxBytes
}

func newPuller(nc *nats.Conn, consumer string, batch, maxBytes int) (*puller, error) {
	p := &puller{
		nc:       nc,
		consumer: consumer,
		msgs:     make(chan *nats.Msg, 2*batch), // Twice, since heartbeats come, too, and nats.go drops what it has no room for.
		silence:  time.NewTimer(0),
		batch:    batch,
		maxBytes: maxBytes,
	}
	var err error
	p.sub, err = nc.ChanSubscribe(nc.NewInbox(), p.msgs)
	return p, err
}

// stop ends the subscription. NATS deletes the consumer when it was not asked for messages for some seconds.
func (p *puller) stop() { p.sub.Unsubscribe() }

// next returns the next message and its metadata. Within two heartbeats something must come:
// while the server is catching up, a message, since some are there; otherwise a message or a heartbeat.
func (p *puller) next(ctx context.Context, catchingUp bool) (*nats.Msg, *nats.MsgMetadata, error) {
	for {
		if p.waiting == 0 {
			if err := p.ask(); err != nil {
				return nil, nil, err
			}
		}
		if msg, meta, err := p.receive(ctx, catchingUp); msg != nil || err != nil {
			return msg, meta, err
		}
	}
}

// receive does what next does, but requests nothing. It returns a nil message once the last request has ended.
func (p *puller) receive(ctx context.Context, catchingUp bool) (*nats.Msg, *nats.MsgMetadata, error) {
	if p.waiting == 0 {
		return nil, nil, nil
	}
	p.silence.Reset(2 * pullHeartbeat)
	for {
		select {
		case msg := <-p.msgs:
			// Only a message of the stream has metadata, in the subject for its
			// acknowledgment; NATS's own have none.
			if meta, err := msg.Metadata(); err == nil {
				p.waiting--
				return msg, meta, nil
			}
			code, description := msg.Header.Get("Status"), msg.Header.Get("Description")
			switch {
			case code == "100": // a heartbeat
				if !catchingUp {
					p.silence.Reset(2 * pullHeartbeat)
				}
			case code == "409" && description == "Batch Completed": // It is about the request before this one.
			case code == "404", code == "408": // The request has expired.
				p.waiting = 0
				return nil, nil, nil
			case code == "409" && description == "Message Size Exceeds MaxBytes": // The next message does not fit into the rest of the request.
				// If no message has come for this request, the next one is larger than maxBytes.
				p.tooLarge = p.waiting == p.batch
				p.waiting = 0
				return nil, nil, nil
			default:
				return nil, nil, fmt.Errorf("the consumer says %s %s", code, description)
			}
		case <-p.silence.C:
			return nil, nil, errSilent
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// ask requests messages from the consumer. A message that is larger than maxBytes is requested alone.
func (p *puller) ask() error {
	batch, maxBytes := p.batch, p.maxBytes
	if p.tooLarge {
		batch, maxBytes, p.tooLarge = 1, 0, false
	}
	request, err := json.Marshal(struct {
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{batch, maxBytes, pullExpiry, pullHeartbeat})
	if err != nil {
		return err
	}
	p.waiting = batch
	return p.nc.PublishRequest(fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", streamName, p.consumer), p.sub.Subject, request)
}
