package main

import (
	"encoding/json"
	"net/url"
	"strings"
)

// paths returns the path and query of a stream of topics, or without any of everybody's events. A client
// that has received events names the last one's ID.
type paths func(topics []string, lastID string) string

// hundred is how many topics a stream has at most here.
const hundred = 100

func onePath([]string, string) string { return "/events" }

func queryPath(topics []string, _ string) string {
	if len(topics) == 0 {
		return "/events"
	}
	return "/events?" + url.Values{"topic": topics}.Encode()
}

func nchanPath(topics []string, _ string) string {
	if len(topics) == 0 {
		return "/events"
	}
	return "/events?topic=" + strings.Join(topics, ",")
}

// r3labsPath names the one topic that a stream can have.
func r3labsPath(topics []string, _ string) string {
	if len(topics) == 0 {
		return "/events?stream=demo"
	}
	return "/events?stream=" + topics[0]
}

// centrifugoPath returns a request to connect. Centrifugo does not read Last-Event-ID: the request says
// for each channel from where its history is wanted, as the load has it from the stream, "epoch:offset". Only a
// stream of one channel is resumed here.
func centrifugoPath(topics []string, lastID string) string {
	type subscription struct {
		Recover bool        `json:"recover,omitempty"`
		Epoch   string      `json:"epoch,omitempty"`
		Offset  json.Number `json:"offset,omitempty"`
	}
	if len(topics) == 0 {
		topics = []string{"demo"}
	}
	var s subscription
	if epoch, offset, ok := strings.Cut(lastID, ":"); ok && len(topics) == 1 {
		s = subscription{true, epoch, json.Number(offset)}
	}
	subscriptions := make(map[string]subscription)
	for _, topic := range topics {
		subscriptions[topic] = s
	}
	request, err := json.Marshal(map[string]any{"subs": subscriptions})
	if err != nil {
		panic(err) // texts and a number
	}
	return "/connection/uni_sse?cf_connect=" + url.QueryEscape(string(request))
}
