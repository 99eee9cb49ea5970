package cluster

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestHowAStreamDiffersIsSaidInWords(t *testing.T) {
	ours := configuration(time.Now(), 2)
	for _, test := range []struct {
		change func(*jetstream.StreamConfig)
		want   string
	}{
		{func(*jetstream.StreamConfig) {}, ""},
		{func(c *jetstream.StreamConfig) { c.Replicas = 3 }, ""},
		{func(c *jetstream.StreamConfig) { c.Replicas = 1 }, "replicas 1 and not 2"},
		{func(c *jetstream.StreamConfig) { c.Subjects = []string{"x"} }, "subjects [x] and not [sse.events sse.events.>]"},
		{func(c *jetstream.StreamConfig) { c.Subjects = []string{"sse.events.>", "sse.events"} }, ""},
		{func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention WorkQueue and not Limits"},
		{func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew }, "discard DiscardNew and not DiscardOld"},
		{func(c *jetstream.StreamConfig) { c.Duplicates, c.MaxBytes = time.Second, 1 },
			"max bytes 1 and not 67108864, duplicate window 1s and not 2m0s"},
		{func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject, c.MaxMsgSize, c.MaxConsumers = -1, -1, -1 }, ""}, // as NATS says it
		{func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 }, "max messages a subject 1 and not unlimited"},
		{func(c *jetstream.StreamConfig) { c.MaxMsgSize = 100 }, "max message size 100 and not unlimited"},
		{func(c *jetstream.StreamConfig) { c.MaxConsumers = 3 }, "max consumers 3 and not unlimited"},
		{func(c *jetstream.StreamConfig) { c.Sealed, c.NoAck = true, true }, "sealed, without acknowledgments"},
		{func(c *jetstream.StreamConfig) { c.SubjectTransform = &jetstream.SubjectTransformConfig{} }, "transforms subjects"},
	} {
		theirs := ours
		test.change(&theirs)
		if got := configDiff(theirs, ours); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// harmless are the fields of a stream's configuration that keep no event from being stored, read
// or retained.
var harmless = []string{
	"Name", "Description", "Placement", "Metadata", "Template", "Compression", "FirstSeq", "RePublish",
	"DenyDelete", "DenyPurge", "AllowDirect", "MirrorDirect", "AllowAtomicPublish", "AllowBatchPublish",
}

// A new version of nats.go may have a new field: somebody has to look at it.
func TestEveryFieldOfAStreamsConfigurationIsComparedOrHarmless(t *testing.T) {
	ours := configuration(time.Now(), 1)
	for i := range reflect.TypeFor[jetstream.StreamConfig]().NumField() {
		theirs := ours
		name, field := reflect.TypeFor[jetstream.StreamConfig]().Field(i).Name, reflect.ValueOf(&theirs).Elem().Field(i)
		change(t, field)
		// What ours has more of, the stream lacks.
		if diff := configDiff(theirs, ours) + configDiff(ours, theirs); (diff == "") != slices.Contains(harmless, name) {
			t.Errorf("%s: the difference is %q", name, diff)
		}
	}
}

// change gives a value another one of its type.
func change(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Struct:
		change(t, v.Field(0))
	default:
		t.Fatalf("a %v is not known here", v.Kind())
	}
}
