package sse_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.com/sse/sse"
)

// The broker in net/http's mux, with a Publisher beside it.
func ExampleBroker_Handler() {
	broker := sse.NewBroker()

	mux := http.NewServeMux()
	mux.Handle("/events", broker.Handler())
	mux.Handle("POST /events", sse.Publisher{Publish: broker.Publish, Token: "swordfish"})
	// server.Listen and server.Serve, or for this example:
	server := httptest.NewServer(mux)

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("POST", server.URL+"/events", strings.NewReader("Lunch is ready"))
	request.Header.Set("Authorization", "Bearer swordfish")
	response, _ := client.Do(request)
	fmt.Println(response.StatusCode)

	response, _ = client.Get(server.URL + "/events?lastEventId=0")
	broker.Shutdown(context.Background())
	stream, _ := io.ReadAll(response.Body)
	fmt.Println(strings.Contains(string(stream), "data: Lunch is ready\n\n"))
	// Output:
	// 204
	// true
}

// A handler that decides what a request gets: nothing without a session; with one a snapshot, and a
// stream that ends with the session, so that the client reconnects and is asked again.
func ExampleBroker_Serve() {
	broker := sse.NewBroker()
	ended := make(chan string)

	events := func(w http.ResponseWriter, r *http.Request) {
		var user string
		if cookie, err := r.Cookie("session"); err == nil {
			user = loggedIn[cookie.Value]
		}
		if user == "" {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		broker.Serve(w, r, sse.Stream{
			First: []sse.Event{{Name: "unread", Data: []byte("3 mails")}},
			Until: time.Now(), // when the session ends
			Ended: func() { ended <- user + " has left" },
		})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/events", events)
	server := httptest.NewServer(mux)

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	response, _ := client.Do(request)
	fmt.Println(response.StatusCode)

	request.AddCookie(&http.Cookie{Name: "session", Value: "b3a1"})
	response, _ = client.Do(request)
	stream, _ := io.ReadAll(response.Body)
	_, afterRetry, _ := strings.Cut(string(stream), "\n")
	fmt.Println(strings.TrimSpace(afterRetry))
	fmt.Println(<-ended)
	broker.Shutdown(context.Background())
	// Output:
	// 401
	// event: unread
	// data: 3 mails
	// anna has left
}
