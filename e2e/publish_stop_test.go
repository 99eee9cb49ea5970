package e2e

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// A reader reads a stream to its end: the hash of all bytes from the first event on, which is the
// same for all who were there from the start, and what came if it is to keep that.
type reader struct {
	keep   bool
	hash   [sha256.Size]byte
	events map[string]int // how often each payload came
	err    error          // what ended the stream, or nil where it ended well
}

func (r *reader) read(body io.Reader) {
	r.events = make(map[string]int)
	hash := sha256.New()
	lines := bufio.NewReaderSize(body, 32<<10)
	begun := false
	for {
		line, err := lines.ReadSlice('\n')
		begun = begun || strings.HasPrefix(string(line), "id: ")
		if begun {
			hash.Write(line)
		}
		if data, ok := strings.CutPrefix(string(line), "data: "); ok && r.keep {
			r.events[strings.TrimSuffix(data, "\n")]++
		}
		if err != nil {
			if err != io.EOF {
				r.err = err
			}
			hash.Sum(r.hash[:0])
			return
		}
	}
}

func TestEveryEventPublishedIsOnEveryStreamOnceAlsoOverSIGTERM(t *testing.T) {
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
	const clients, publishers = 1000, 20
	client := testkit.StreamClient(&http.Transport{DisableKeepAlives: true})
	readers := make([]reader, clients)
	var reading sync.WaitGroup
	for i := range readers {
		resp, cancel, err := open(client, s.url+"/events", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cancel)
		r := &readers[i]
		r.keep = i < clients/10
		reading.Go(func() {
			defer resp.Body.Close()
			r.read(resp.Body)
		})
	}
	s.waitForClients(clients)

	var mu sync.Mutex
	statuses := make(map[string]int) // by payload; mu protects it
	posting := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: publishers}, Timeout: testkit.Limit}
	defer posting.CloseIdleConnections()
	var publishing sync.WaitGroup
	accepted := make(chan struct{}, 1<<16)
	for i := range publishers {
		publishing.Go(func() {
			for j := 0; j < 2000; j++ {
				data := fmt.Sprint(i, " ", j)
				a := post{data: data}.by(posting, s.url+"/events")
				mu.Lock()
				statuses[data] = a.status
				mu.Unlock()
				switch a.status {
				case http.StatusNoContent:
					accepted <- struct{}{}
				case http.StatusServiceUnavailable:
					if !strings.Contains(a.body, "stopped") {
						t.Error(a)
					}
				case 0: // no connection, or it was lost
					return
				default:
					t.Error(a)
					return
				}
			}
		})
	}
	for range 300 {
		testkit.Receive(t, accepted, "an event that is published")
	}
	s.stop()
	testkit.Return(t, publishing.Wait, "the publishers")
	testkit.Return(t, reading.Wait, "the streams' ends")

	same := make(map[[sha256.Size]byte]int) // how many streams have a hash
	for i := range readers {
		if readers[i].err != nil {
			t.Errorf("stream %d ended with %v", i, readers[i].err)
		}
		same[readers[i].hash]++
	}
	whole := 0 // a stream that most are the same as
	for i := range readers {
		if readers[i].keep && same[readers[i].hash] > same[readers[whole].hash] {
			whole = i
		}
	}
	// A busy machine may not let all read in time what came last, and the server says so.
	cutOff := 0
	if _, after, ok := strings.Cut(s.output(), "sse: cut off "); ok {
		fmt.Sscan(after, &cutOff)
	}
	if n := clients - same[readers[whole].hash]; n > cutOff {
		t.Errorf("%d streams are not the same as most, and the server has cut off %d", n, cutOff)
	}
	counts := make(map[int]int)
	for data, status := range statuses {
		counts[status]++
		times := readers[whole].events[data]
		if status == http.StatusNoContent && times != 1 || status == http.StatusServiceUnavailable && times != 0 || times > 1 {
			t.Errorf("%q got %d and is %d times on the streams", data, status, times)
		}
	}
	t.Logf("answers: %v", counts)
}
