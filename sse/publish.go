package sse

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/kataras/iris/v12"
)

const (
	// maxBody is the largest event that a request may publish, in bytes.
	maxBody = 64 << 10

	// bodyTimeout is how long a request's body may take, and publishTimeout how long
	// publishing it. Together they are less than a server's usual write timeout, after
	// which no answer could be sent.
	bodyTimeout, publishTimeout = 5 * time.Second, 4 * time.Second
)

var (
	// ErrStopped is what [Broker.Publish] returns once [Broker.Shutdown] has begun.
	ErrStopped = errors.New("sse: the broker has stopped")

	// ErrNoID is what [Broker.Publish] returns for an event without an ID where the broker's
	// source numbers its events, as [Broker.Hold] says: an ID of the broker's own would not
	// fit among the source's.
	ErrNoID = errors.New("sse: the event has no ID, and the broker's source numbers its events")
)

// Publish gives the broker an event. It returns nil when the broker has the event for
// certain: the event goes out to every client before [Broker.Shutdown] ends the streams.
// Otherwise it returns [ErrStopped], [ErrNoID] or the context's error, and no client gets
// the event.
func (b *Broker) Publish(ctx context.Context, e Event) error {
	if e.ID == 0 && b.numbered.Load() {
		return ErrNoID
	}
	select {
	case b.published <- e:
		return nil
	case <-b.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// PublishHandler returns a handler that publishes an event: the request's body, any bytes but
// at most 64 KiB, is the event's data, and its header Sse-Event, which may be absent, the event's
// name. publish is [Broker.Publish], or another function that promises the same. The handler is
// safe for concurrent use. Mount it for POST.
//
// A request must carry the header "Authorization: Bearer TOKEN" (RFC 6750, section 2.1). With an empty token
// every request is refused.
//
// The answer is 204 when publish has returned nil. Any other is one line of text, and
// nothing was published: 401 without the token, for which the body is not read; 413 for
// a body that is too large; 408 for one that is not there within 5 seconds; 400 for one that
// can't be read. After 503 the line is publish's error, which says whether the event may have been
// published even so. Publishing does not end when the client disconnects, but after
// 4 seconds.
func PublishHandler(token string, publish func(context.Context, Event) error) iris.Handler {
	want := sha256.Sum256([]byte(token))
	return func(ctx iris.Context) {
		// Hashes have one length: comparing them tells nothing of the token's either.
		got := sha256.Sum256([]byte(bearer(ctx.Request())))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || token == "" {
			ctx.Header("WWW-Authenticate", "Bearer")
			refuse(ctx, http.StatusUnauthorized, "the token is missing or wrong")
			return
		}
		data, status, err := readBody(ctx)
		if err != nil {
			refuse(ctx, status, err.Error())
			return
		}
		publishing, cancel := context.WithTimeout(context.WithoutCancel(ctx.Request().Context()), publishTimeout)
		defer cancel()
		err = publish(publishing, Event{Name: ctx.GetHeader("Sse-Event"), Data: data})
		if err != nil {
			refuse(ctx, http.StatusServiceUnavailable, err.Error())
			return
		}
		ctx.StatusCode(http.StatusNoContent)
	}
}

// bearer returns the token that a request carries, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// readBody returns a request's body, or why there is none and the status that says so.
func readBody(ctx iris.Context) (data []byte, status int, err error) {
	r := ctx.Request()
	tooLarge := fmt.Errorf("the body is larger than %d KiB", maxBody>>10)
	if r.ContentLength > maxBody {
		return nil, http.StatusRequestEntityTooLarge, tooLarge
	}
	// The deadline ends with the body: over HTTP/1 net/http reads on, to notice when the
	// client disconnects. A writer without deadlines is left to its server's.
	controller := http.NewResponseController(ctx.ResponseWriter().Naive())
	controller.SetReadDeadline(time.Now().Add(bodyTimeout))
	data, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(data) > maxBody:
		return nil, http.StatusRequestEntityTooLarge, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, fmt.Errorf("the body is not complete after %v", bodyTimeout)
	case err != nil:
		return nil, http.StatusBadRequest, fmt.Errorf("the body can't be read: %w", err)
	}
	controller.SetReadDeadline(time.Time{})
	return data, 0, nil
}

// refuse answers with a line of text. Over HTTP/1 a body that is not read to its end ends the
// connection: net/http would wait for it before it sends the answer. Over HTTP/2, where only the
// stream ends, the header would tell the client to leave the connection with all its other streams.
func refuse(ctx iris.Context, status int, line string) {
	if r := ctx.Request(); r.ContentLength != 0 && r.ProtoMajor == 1 {
		ctx.Header("Connection", "close")
	}
	ctx.StopWithText(status, "%s\n", line)
}
