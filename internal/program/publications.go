package program

import (
	"slices"
	"strconv"
	"sync/atomic"
)

// countedStatuses are those with which publishing is answered. All other statuses have one count, which bounds the
// number of figures.
var countedStatuses = [...]int{204, 400, 401, 403, 408, 413, 415, 503, 507}

// otherStatus is the name of the count of all other statuses.
const otherStatus = "other"

// publicationCounts are how many requests to publish were answered, by status.
type publicationCounts struct {
	byStatus [len(countedStatuses)]atomic.Int64
	others   atomic.Int64
}

func (c *publicationCounts) count(status int) {
	if i := slices.Index(countedStatuses[:], status); i >= 0 {
		c.byStatus[i].Add(1)
	} else {
		c.others.Add(1)
	}
}

// publicationNames returns the names of the counts: "204", …, "other".
func publicationNames() (names []string) {
	for _, status := range countedStatuses {
		names = append(names, strconv.Itoa(status))
	}
	return append(names, otherStatus)
}

// Published returns how many requests to publish were answered since the start, by status.
func (p *Rights) Published() map[string]int64 {
	counts := map[string]int64{otherStatus: p.published.others.Load()}
	for i, status := range countedStatuses {
		counts[strconv.Itoa(status)] = p.published.byStatus[i].Load()
	}
	return counts
}
