package cluster

import (
	"strings"
	"testing"
)

func TestURLsAreAcceptedAsNATSUsersWriteThem(t *testing.T) {
	for _, urls := range []string{
		"localhost",
		"localhost:4222",
		"nats://localhost:4222",
		"nats://me:password@localhost:4222",
		"nats://token@localhost:4222/",
		"tls://[::1]:4222",
		"wss://example.com",
		"ws://a,wss://b",
		"nats://a:4222,nats://b:4222, c",
	} {
		if err := checkURLs(urls); err != nil {
			t.Errorf("%q: %v", urls, err)
		}
	}
}

func TestErrorRepeatsNothingOfABadURL(t *testing.T) {
	for _, urls := range []string{
		"nats://me:swordfish@localhost:port",
		"nats://me:swordfish%zz@localhost",
		"nats://me:swordfish\n@localhost",
		"nats://me:swordfish/@localhost",
		"nats://me:swordfish#@localhost",
		"nats://me:12/swordfish@localhost",
		"nats://me:swordfish@",
		"http://me:swordfish@localhost",
		"localhost,nats://me:swordfish@:4222",
		"localhost,",
		"ws://me:swordfish@a,nats://b",
		"a, wss://me:swordfish@b",
	} {
		if err := checkURLs(urls); err == nil || strings.Contains(err.Error(), "swordfish") {
			t.Errorf("%q: %v", urls, err)
		}
	}
}
