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

	// maxInFlight is how many messages may be on their way from NATS: 64 MiB of the largest
	// that NATS takes by default, and still some 100,000 of the demo's a second.
	maxInFlight = 64
)

var errSilent = errors.New("the consumer is silent")

// A puller gets the messages of a consumer. The MessagesContext of nats.go does so, too, but takes
// an empty message with a header "Status" for one of NATS itself, and hides it or ends (checkMsg in
// jetstream/message.go of v1.55.0; nats-io/nats-pure.rb#152 reports the same of another client). Anybody
// who may publish could so make an event vanish: TestMessageThatLooksLikeAStatusOfNATSIsShown. A puller
// belongs to one goroutine.
type puller struct {
	nc      *nats.Conn
	request string // the subject of a request for messages
	sub     *nats.Subscription
	msgs    chan *nats.Msg
	silence *time.Timer
	waiting int // messages that were requested and have not come
}

func newPuller(nc *nats.Conn, consumer string) (*puller, error) {
	p := &puller{
		nc:      nc,
		request: fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", streamName, consumer),
		msgs:    make(chan *nats.Msg, 2*maxInFlight), // nats.go drops a message where it is full, and heartbeats come, too
		silence: time.NewTimer(0),
	}
	var err error
	p.sub, err = nc.ChanSubscribe(nc.NewInbox(), p.msgs)
	return p, err
}

// stop ends the subscription. NATS deletes a consumer that nobody asks, after some seconds.
func (p *puller) stop() { p.sub.Unsubscribe() }

// next returns the next message and its metadata. While the server is catching up a message must
// come within two heartbeats, since there are some; otherwise a message or a heartbeat.
func (p *puller) next(ctx context.Context, catchingUp bool) (*nats.Msg, *nats.MsgMetadata, error) {
	p.silence.Reset(2 * pullHeartbeat)
	for {
		if p.waiting == 0 {
			if err := p.ask(); err != nil {
				return nil, nil, err
			}
		}
		select {
		case msg := <-p.msgs:
			// A message of the stream, and no other, has metadata, in the subject for its
			// acknowledgment.
			if meta, err := msg.Metadata(); err == nil {
				p.waiting--
				return msg, meta, nil
			}
			switch code := msg.Header.Get("Status"); code {
			case "100": // a heartbeat
				if !catchingUp {
					p.silence.Reset(2 * pullHeartbeat)
				}
			case "404", "408": // the request has expired
				p.waiting = 0
			default:
				return nil, nil, fmt.Errorf("the consumer says %s %s", code, msg.Header.Get("Description"))
			}
		case <-p.silence.C:
			return nil, nil, errSilent
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// ask requests messages from the consumer.
func (p *puller) ask() error {
	p.waiting = maxInFlight
	request, err := json.Marshal(struct {
		Batch     int           `json:"batch"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{maxInFlight, pullExpiry, pullHeartbeat})
	if err != nil {
		return err
	}
	return p.nc.PublishRequest(p.request, p.sub.Subject, request)
}
