package sse_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// The broker in an Iris app of one's own.
func Example() {
	broker := sse.NewBroker()

	app := iris.New()
	app.Any("/events", broker.ServeHTTP)
	// app.Listen(":8080"), or for this example:
	app.Build()
	server := httptest.NewServer(app)

	broker.Notifier <- sse.Event{ID: 1, Data: []byte("hello")}
	broker.Notifier <- sse.Event{ID: 2, Data: []byte("two\nlines")}

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	request.Header.Set("Last-Event-ID", "0") // A client that has seen nothing yet.
	response, _ := client.Do(request)
	lines := bufio.NewScanner(response.Body)
	lines.Scan() // The reconnection time, which is random.
	for range 6 {
		lines.Scan()
		fmt.Println(lines.Text())
	}
	broker.Shutdown(context.Background())
	// Output:
	// id: 1
	// data: hello
	//
	// id: 2
	// data: two
	// data: lines
}

// Another origin's pages may send cookies along where the app names the origin, and says that
// credentials are allowed, before the handler; without that the stream is open to all origins, and
// browsers send no cookies.
func Example_cookiesAcrossOrigins() {
	broker := sse.NewBroker()

	app := iris.New()
	cors := func(ctx iris.Context) {
		ctx.Header("Access-Control-Allow-Origin", "https://app.example")
		ctx.Header("Access-Control-Allow-Credentials", "true")
		ctx.Next()
	}
	app.Get("/events", cors, func(ctx iris.Context) {
		user, ok := loggedIn[ctx.GetCookie("session")]
		if !ok {
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return
		}
		broker.ServeIris(ctx, sse.Stream{Topics: []string{"mail/" + user}})
	})
	app.Build()
	server := httptest.NewServer(app)

	// In a browser: new EventSource(url, {withCredentials: true})
	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	request.Header.Set("Origin", "https://app.example")
	request.AddCookie(&http.Cookie{Name: "session", Value: "b3a1"})
	response, _ := client.Do(request)
	fmt.Println(response.StatusCode)
	fmt.Println(response.Header.Values("Access-Control-Allow-Origin"))
	fmt.Println(response.Header.Values("Access-Control-Allow-Credentials"))
	broker.Shutdown(context.Background())
	// Output:
	// 200
	// [https://app.example]
	// [true]
}

// Events that anything which speaks HTTP can publish.
func ExamplePublishHandler() {
	broker := sse.NewBroker()

	app := iris.New()
	app.HandleMany("GET HEAD OPTIONS", "/events", broker.ServeHTTP)
	app.Post("/events", sse.PublishHandler(sse.Publisher{Publish: broker.Publish, Token: "swordfish"}))
	app.Build()
	server := httptest.NewServer(app)

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("POST", server.URL+"/events", strings.NewReader("Lunch is ready"))
	request.Header.Set("Sse-Event", "alert")
	response, _ := client.Do(request)
	fmt.Println(response.StatusCode, broker.Stats().Events)

	request, _ = http.NewRequest("POST", server.URL+"/events", strings.NewReader("Lunch is ready"))
	request.Header.Set("Sse-Event", "alert")
	request.Header.Set("Authorization", "Bearer swordfish")
	response, _ = client.Do(request)
	fmt.Println(response.StatusCode)
	broker.Shutdown(context.Background())
	fmt.Println(broker.Stats().Events)
	// Output:
	// 401 0
	// 204
	// 1
}
