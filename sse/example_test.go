package sse_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// The broker in an app of one's own.
func Example() {
	broker := sse.NewBroker()
	app := iris.New()
	app.Any("/events", broker.ServeHTTP)
	app.Build() // app.Listen(":8080") does it too.
	server := httptest.NewServer(app)

	response, _ := http.Get(server.URL + "/events?lastEventId=0")
	broker.Notifier <- sse.Event{ID: 1, Data: []byte("hello\nworld")}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != "" {
		fmt.Println(lines.Text()[:5])
	}
	// Output:
	// retry
	// id: 1
	// data:
	// data:
}
