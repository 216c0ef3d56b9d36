// SPDX-License-Identifier: Apache-2.0

package cache

import "time"

// A JavaNode is a Java node as its discovery datagrams and its connections
// show it.
type JavaNode struct {
	Addr       string    `json:"addr"`       // where others reach it by what they go by; "" if that can't be
	Source     string    `json:"source"`     // of its datagrams
	Announced  string    `json:"announced"`  // host and port that it writes into them
	Generation string    `json:"generation"` // jcs-1.3, jcs-2, jcs-3, jcs-4
	ID         string    `json:"id"`         // requester id
	Regions    []string  `json:"regions"`    // that it has named
	First      time.Time `json:"first"`      // when this process was first heard
	Heard      time.Time `json:"heard"`
	Lateral    bool      `json:"lateral,omitempty"`  // it is a Lateral node, heard by one that only listens
	Observer   bool      `json:"observer,omitempty"` // a Lateral node that only listens itself (ListenOnly)
}

// JavaHeld is what one Java node says that it holds of a region, in its memory
// and on its disk.
type JavaHeld struct {
	Addr       string
	Generation string // as of a JavaNode
	ID         string // requester id, "" if it is not known
	Keys       []string
	Elements   []Element
	Err        string // why it could not be asked; then nothing else is told
}

// Observed is what an endpoint with ListenOnly has seen of Java nodes since its
// start.
type Observed struct {
	Nodes []ObservedNode `json:"nodes"` // those that have said something to it

	// Keys that were written to are remembered, for how values compare.
	Keys      int   `json:"keys"`
	Forgotten int64 `json:"forgotten"` // keys dropped to make room for others
	// Crossed are keys that nodes wrote differently at the same time, and that
	// were not written since: each node holds what arrived there last.
	Crossed int `json:"crossed"`
	// Unsettled are likewise, but were written a moment ago.
	Unsettled int `json:"unsettled"`
	// InTurn are keys that nodes wrote differently one after the other: they
	// agree if the later writer reaches the earlier.
	InTurn int `json:"in_turn"`
	// Latest are of Crossed those that were written last, at most MaxLatest;
	// verify has them all.
	Latest []Dispute `json:"latest,omitempty"`
}

// MaxLatest is how many keys an Observed names.
const MaxLatest = 20

// ObservedNode is one Java node as it was observed.
type ObservedNode struct {
	ID         string           `json:"id"`   // requester id of what it says
	Addr       string           `json:"addr"` // where it listens, if its datagrams have told; else where it came from
	Generation string           `json:"generation"`
	Lateral    bool             `json:"lateral,omitempty"` // it is a Lateral node, which speaks JCS to this one
	Since      time.Time        `json:"since"`
	Regions    []ObservedRegion `json:"regions"`
}

// ObservedRegion is what one Java node said of one region.
type ObservedRegion struct {
	Region    string    `json:"region"`
	Puts      uint64    `json:"puts"`
	Removes   uint64    `json:"removes"`   // of a key, a group or a prefix
	Clears    uint64    `json:"clears"`    // of the region
	Questions uint64    `json:"questions"` // gets, answered with nothing
	Bytes     uint64    `json:"bytes"`     // of the values put
	PerSecond float64   `json:"per_second"`
	Last      time.Time `json:"last"`
}

// A Dispute is a key to which Java nodes gave different values.
type Dispute struct {
	Region string `json:"region"`
	KeyName
	Kind string        `json:"kind"`   // crossed, in-turn: see Observed
	Gap  time.Duration `json:"gap_ns"` // between the last write and the nearest one that differs from it
	Said []Said        `json:"said"`   // the latest of each node, the last writer first
}

// The kinds of disputes.
const (
	Crossed = "crossed"
	InTurn  = "in-turn"
)

// Said is what one Java node last said of a key.
type Said struct {
	Node  string    `json:"node"`  // ObservedNode.Addr
	ID    string    `json:"id"`    // ObservedNode.ID
	Value string    `json:"value"` // a hash of the value; "" is that it removed the key
	At    time.Time `json:"at"`    // when this node heard it
}
