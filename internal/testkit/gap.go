package testkit

import (
	"encoding/json"
	"errors"
)

// A Gap is what a stream's event gap says: what came after LastEventID and before First is missing.
type Gap struct {
	LastEventID string
	First       int64 // 0 where nothing came that the server still has
}

// parseGap parses an event gap's data, which is JSON as Go writes it, without spaces.
func parseGap(data string) (Gap, error) {
	var g struct {
		LastEventID string `json:"lastEventId"`
		First       *int64 `json:"first"`
	}
	if err := json.Unmarshal([]byte(data), &g); err != nil {
		return Gap{}, err
	}
	if again, err := json.Marshal(g); err != nil || string(again) != data {
		return Gap{}, errors.New("not what a gap event says")
	}
	gap := Gap{LastEventID: g.LastEventID}
	if g.First != nil {
		gap.First = *g.First
	}
	return gap, nil
}
