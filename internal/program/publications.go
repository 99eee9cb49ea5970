package program

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/kataras/iris/v12"
)

// statuses are those with which publishing is answered. All other statuses count as one, which bounds the figures.
var statuses = [...]int{204, 400, 401, 403, 408, 413, 415, 503, 507}

// otherStatus is what the others are counted as.
const otherStatus = "other"

// Publications counts the answers to requests that publish. The zero value has counted none. Its methods are safe
// for concurrent use.
type Publications struct {
	counts [len(statuses) + 1]atomic.Int64 // the last is of the others
}

// Count is a middleware that counts an answer to POST.
func (p *Publications) Count(ctx iris.Context) {
	ctx.Next()
	if ctx.Method() != http.MethodPost {
		return
	}
	i := 0
	for i < len(statuses) && statuses[i] != ctx.GetStatusCode() {
		i++
	}
	p.counts[i].Add(1)
}

// answers returns the names by which answers are counted.
func answers() (names []string) {
	for _, status := range statuses {
		names = append(names, strconv.Itoa(status))
	}
	return append(names, otherStatus)
}

// byAnswer returns the counts by name.
func (p *Publications) byAnswer() map[string]int64 {
	counts := make(map[string]int64, len(p.counts))
	for i, answer := range answers() {
		counts[answer] = p.counts[i].Load()
	}
	return counts
}
