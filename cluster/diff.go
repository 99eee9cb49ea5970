package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// configDiff returns in words how a stream's configuration differs from ours, or "" where it does not. It compares what
// may keep events from being stored, read or retained. More replicas than ours are no difference.
func configDiff(theirs, ours jetstream.StreamConfig) string {
	var list []string
	compare := func(what string, theirs, ours any) {
		if theirs, ours := fmt.Sprint(theirs), fmt.Sprint(ours); theirs != ours {
			list = append(list, fmt.Sprintf("%s %s and not %s", what, theirs, ours))
		}
	}
	compare("subjects", slices.Sorted(slices.Values(theirs.Subjects)), ours.Subjects)
	compare("storage", theirs.Storage, ours.Storage)
	compare("retention", theirs.Retention, ours.Retention)
	compare("discard", theirs.Discard, ours.Discard)
	compare("max messages", theirs.MaxMsgs, ours.MaxMsgs)
	compare("max bytes", theirs.MaxBytes, ours.MaxBytes)
	compare("max age", theirs.MaxAge, ours.MaxAge)
	compare("max messages a subject", bound(theirs.MaxMsgsPerSubject), bound(ours.MaxMsgsPerSubject))
	compare("max message size", bound(int64(theirs.MaxMsgSize)), bound(int64(ours.MaxMsgSize)))
	compare("max consumers", bound(int64(theirs.MaxConsumers)), bound(int64(ours.MaxConsumers)))
	compare("consumer limits", theirs.ConsumerLimits, ours.ConsumerLimits)
	compare("duplicate window", theirs.Duplicates, ours.Duplicates)
	compare("replicas", theirs.Replicas, max(theirs.Replicas, ours.Replicas))
	compare("persist mode", theirs.PersistMode, ours.PersistMode)
	// Features that our configuration never has:
	for _, feature := range []struct {
		what string
		on   bool
	}{
		{"sealed", theirs.Sealed},
		{"without acknowledgments", theirs.NoAck},
		{"refuses what is new to a full subject", theirs.DiscardNewPerSubject},
		{"a mirror", theirs.Mirror != nil},
		{"with sources", len(theirs.Sources) > 0},
		{"transforms subjects", theirs.SubjectTransform != nil},
		{"a message may replace others", theirs.AllowRollup},
		{"a message may expire", theirs.AllowMsgTTL},
		{"adds markers for what expired", theirs.SubjectDeleteMarkerTTL != 0},
		{"counts messages", theirs.AllowMsgCounter},
		{"schedules messages", theirs.AllowMsgSchedules},
	} {
		if feature.on {
			list = append(list, feature.what)
		}
	}
	return strings.Join(list, ", ")
}

// bound returns a bound in words. NATS takes both 0 and -1 for none.
func bound(n int64) string {
	if n <= 0 {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}
