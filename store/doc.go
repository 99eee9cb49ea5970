// Package store keeps a broker's events on disk, so that neither a restart nor a crash loses one, and a client
// resumes as far back as the disk reaches. [Open] opens a directory's events and fills the broker with the newest of
// them; [Store.Publish] stores an event, and returns when it is on disk. The store is the broker's source: it numbers
// the events. It is also the broker's archive: it has the events that the broker no longer has in memory.
//
// The way of an event:
//
//	Publish ────────── waits until the event is on disk
//	    │
//	    ▼
//	the committer ──── takes all that waits, numbers it, and stores it in one transaction, which ends with
//	    │              one fsync. It evicts the oldest events in the same transaction
//	    ▼
//	the feeder ─────── gives the events to the broker, in order, and then answers Publish. The committer
//	    │              is at the next transaction meanwhile
//	    ▼
//	sse.Broker ─────── never waits for the disk
//
// The events are in one file, events.db, a database of go.etcd.io/bbolt: a tree of pages, each of which is written anew
// and never changed, and a header that says which pages count. The header is written last. So a crash at any time
// leaves what the last transaction has left, and whoever reads sees one transaction's state while the next is written. The file
// has these buckets (trees of keys in the order of their bytes):
//
//	bucket  key                      value
//	meta    "version"                the format's version: what this page says is version 1
//	        "state"                  what holds for all events, such as the last ID: see state.go
//	log     ID                       an event's cost and its topic: all events in their order
//	events  topic, 0                 the ID of the topic's event that was evicted last, if there is one
//	        topic, 0, ID             an event's name and data: all events of a topic, side by side, in their order
//	parts   ID, number               a part of data that is too long for a page; the event's value says how long
//
// An ID is eight bytes, the most significant first, so that the order of the keys is that of the IDs. A topic has no byte 0. Data
// is cut into parts because bbolt needs pages side by side for a value that is longer than a page. Free pages are seldom
// side by side, so the file would grow.
//
// The code's files in the order of this way: store.go (what can be set, and the life of a store), publish.go (Publish, the
// committer, and the feeder), retention.go (what is evicted), format.go and state.go (keys and values), archive.go (what a client
// gets that resumes from before what the broker has), load.go (how the broker is filled), file.go (how the file is created, opened
// and checked), recovery.go (what follows an error of the disk), and backup.go.
package store
