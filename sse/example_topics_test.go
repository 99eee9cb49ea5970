package sse_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// Several topics on one stream: their events come in the order of their IDs, and the last of these resumes all
// of them. The empty name is the default topic. The app says which topics a stream has; with the zero Stream,
// which [sse.Broker.ServeHTTP] serves, the request says it, so that is for apps in which everybody may read everything.
func ExampleEvent_topics() {
	broker := sse.NewBroker()
	app := iris.New()
	app.Any("/scores", func(ctx iris.Context) {
		broker.ServeIris(ctx, sse.Stream{Topics: []string{"news", "sport", ""}})
	})
	app.Any("/open", broker.ServeHTTP)
	app.Build()
	server := httptest.NewServer(app)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, e := range []sse.Event{
		{Topic: "news", Data: []byte("It rains")},
		{Topic: "sport", Data: []byte("1:0")},
		{Topic: "chess", Data: []byte("e4")},
		{Data: []byte("to all who name no topic")},
		{Topic: "sport", Data: []byte("1:1")},
	} {
		e.ID = int64(i + 1)
		broker.Publish(ctx, e)
	}

	printEvents(stream(server.URL+"/scores?topic=chess", "1"), 3) // What the query asks for does not count.
	printEvents(stream(server.URL+"/open", "0"), 1)
	broker.Shutdown(ctx)
	// Output:
	// data: 1:0
	// data: to all who name no topic
	// data: 1:1
	// data: to all who name no topic
}

// loggedIn says who is logged in, by a session's cookie.
var loggedIn = map[string]string{"b3a1": "anna", "77f0": "bert"}

// Everybody gets their own mail and the news. Whose mail it is, the app decides by who is logged in, and not
// by the URL, in which anybody can write ?topic=mail/anna.
func ExampleStream_topicsOfAUser() {
	broker := sse.NewBroker()

	app := iris.New()
	app.Any("/events", func(ctx iris.Context) {
		user, ok := loggedIn[ctx.GetCookie("session")]
		if !ok {
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return
		}
		broker.ServeIris(ctx, sse.Stream{Topics: []string{"mail/" + user, "news"}})
	})
	app.Build()
	server := httptest.NewServer(app)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	broker.Publish(ctx, sse.Event{ID: 1, Topic: "mail/anna", Data: []byte("for Anna")})
	broker.Publish(ctx, sse.Event{ID: 2, Topic: "mail/bert", Data: []byte("for Bert")})
	broker.Publish(ctx, sse.Event{ID: 3, Topic: "news", Data: []byte("for both")})

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", server.URL+"/events?topic=mail/anna", nil)
	response, _ := client.Do(request)
	fmt.Println(response.StatusCode)

	printEvents(streamOf("77f0", server.URL+"/events?topic=mail/anna", "0"), 2)
	broker.Shutdown(ctx)
	// Output:
	// 401
	// data: for Bert
	// data: for both
}

// mayRead is the one function by which an app decides who may read a topic. It lists what is allowed: a topic that
// nobody has thought of is closed.
func mayRead(user, topic string) bool {
	return topic == "news" || topic == "chess" || topic == "mail/"+user && user != ""
}

// A reader asks for topics, and the app sees to it that each of them may be read: all, or none.
func ExampleStream_topicsThatAreChecked() {
	broker := sse.NewBroker()

	check := func(w http.ResponseWriter, r *http.Request) {
		var user string
		if cookie, err := r.Cookie("session"); err == nil {
			user = loggedIn[cookie.Value]
		}
		topics := append([]string{}, r.URL.Query()["topic"]...) // Not nil, which would be the default topic.
		for _, topic := range topics {
			if !mayRead(user, topic) {
				http.Error(w, "this is not for you", http.StatusForbidden)
				return
			}
		}
		broker.Serve(w, r, sse.Stream{Topics: topics})
	}
	server := httptest.NewServer(http.HandlerFunc(check))

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	broker.Publish(ctx, sse.Event{ID: 1, Topic: "mail/bert", Data: []byte("for Bert")})
	broker.Publish(ctx, sse.Event{ID: 2, Topic: "chess", Data: []byte("e4")})

	client := &http.Client{Timeout: time.Minute}
	for _, query := range []string{"?topic=chess&topic=mail/anna", "?topic=payroll", "?topic="} {
		request, _ := http.NewRequest("GET", server.URL+"/events"+query, nil)
		request.AddCookie(&http.Cookie{Name: "session", Value: "77f0"})
		response, _ := client.Do(request)
		fmt.Println(response.StatusCode)
	}

	printEvents(streamOf("77f0", server.URL+"/events?topic=chess&topic=mail/bert", "0"), 2)
	broker.Shutdown(ctx)
	// Output:
	// 403
	// 403
	// 403
	// data: for Bert
	// data: e4
}
