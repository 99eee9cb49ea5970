package cluster

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go"
)

const (
	// reconnectWait is how long to wait before another try to connect: an outage should
	// end for the clients soon after it ends for NATS. A random wait of up to as much again
	// keeps the servers from connecting all at once.
	reconnectWait = 250 * time.Millisecond

	// Nothing closes the connection to a machine that lost its power, or to a frozen NATS. It counts as lost when a
	// ping is due and maxPingsOut of them have no answer: at the third ping, after some 6 s.
	pingInterval = 2 * time.Second
	maxPingsOut  = 2
)

// connect returns a connection, which may not be established yet, and which is established again
// whenever it is lost, for ever.
func (m *Member) connect() (*nats.Conn, error) {
	var trouble warnOnce // used by the handlers only, which nats.go calls one at a time
	changed := func() {
		select {
		case m.connChanged <- struct{}{}:
		default: // The reader has not received the last one yet.
		}
	}
	connected := func(nc *nats.Conn) {
		m.connected.Store(true)
		trouble.reset()
		// Not ConnectedUrlRedacted: it hides a password, but not a token.
		golog.Infof("NATS: connected to %s", nc.ConnectedAddr())
		changed()
	}
	options := []nats.Option{
		nats.Name("sse"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPingsOut),
		// A password that is wrong twice may be right later, after a change on NATS.
		nats.IgnoreAuthErrorAbort(),
		// Without a connection nothing is buffered: a tick is of no use later, and Publish
		// returns an error.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(connected),
		nats.ReconnectHandler(connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if !m.connected.Swap(false) {
				return
			}
			changed()
			if err == nil {
				err = errors.New("closed")
			}
			trouble.warn("NATS: connection lost, trying again: %v", err)
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			trouble.warn("NATS: not there yet, trying again: %v", err)
		}),
		// Without a handler nats.go prints to stderr. That NATS forbids to delete consumers is logged once.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !m.isRepeatedRefusal(err) {
				trouble.warn("NATS: %v", err)
			}
		}),
	}
	if m.options.Creds != "" {
		options = append(options, nats.UserCredentials(m.options.Creds))
	}
	return nats.Connect(m.options.URLs, options...)
}

// checkURLs reports what is wrong with the URLs. Its error does not repeat them, as the error of url.Parse does,
// password and all.
func checkURLs(urls string) error {
	var webSockets, others bool
	for each := range strings.SplitSeq(urls, ",") {
		each = strings.TrimSpace(each)
		if !strings.Contains(each, "://") {
			each = "nats://" + each
		}
		u, err := url.Parse(each)
		// A path is refused: most likely it is the rest of a password that was not escaped.
		if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
			return errors.New("not a list of NATS URLs")
		}
		switch u.Scheme {
		case "nats", "tls":
			others = true
		case "ws", "wss":
			webSockets = true
		default:
			return errors.New("not a list of NATS URLs")
		}
	}
	if webSockets && others { // nats.go refuses them, too, but only when it connects
		return errors.New("ws and wss URLs do not go together with others")
	}
	return nil
}
