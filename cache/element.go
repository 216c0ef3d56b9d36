// SPDX-License-Identifier: Apache-2.0

package cache

import "time"

// A Form says how the bytes of a value are to be read.
type Form uint8

// The forms of a value. Wire numbers: only append to this list.
const (
	FormBytes     Form = iota // plain bytes; text is UTF-8
	FormJava                  // a Java object stream that has no plainer form
	FormHash                  // fields with stamps of their own (package fields), which replicas merge one by one
	FormByteArray             // plain bytes that are a byte[] in Java, not a String
)

// A Value is what an element holds: immutable bytes, or a Go value that the
// writer handed in together with the codec that makes bytes of it on demand.
type Value struct {
	Bytes string // immutable, hence a string
	Held  any    // the Go value, nil when only the bytes are known
	Form  Form
}

// Attributes are the rights and the lifetime of one element
// (JCS: engine.ElementAttributes). They are never changed once an element
// holds them, so many elements share one.
type Attributes struct {
	Eternal bool // never expires: MaxLife and MaxIdle are ignored
	Spool   bool // may go to disk
	Lateral bool // may be sent to peers
	Remote  bool // may be sent to a remote tier

	MaxLife time.Duration // since it was written; ≤ 0 is unlimited
	MaxIdle time.Duration // since its last access; ≤ 0 is unlimited
	Size    int           // informational, as JCS carries it

	Tags string // what JoinTags returns; "" is none
}

// DefaultAttributes are those of JCS: everything allowed, nothing expires.
var DefaultAttributes = Attributes{Eternal: true, Spool: true, Lateral: true, Remote: true, MaxLife: -1, MaxIdle: -1}

// Expired reports whether an element written and last accessed at the given
// times (milliseconds) is over its lifetime at now. A lifetime of T is over
// when more than T has passed (JCS: CompositeCache.isExpired).
func (a *Attributes) Expired(written, accessed, now int64) bool {
	if a.Eternal {
		return false
	}
	return a.MaxLife > 0 && now-written > a.MaxLife.Milliseconds() ||
		a.MaxIdle > 0 && now-accessed > a.MaxIdle.Milliseconds()
}

// An Element is one key of a region with its value. Its creation time is the
// wall-clock part of its Stamp.
type Element struct {
	Key      string
	Value    Value
	Attr     *Attributes
	Stamp    Stamp
	Accessed int64 // last access, milliseconds since 1970
	State    State
}

// A State says what an element stands for.
type State uint8

// The states of an element. Wire numbers: only append to this list.
const (
	Live      State = iota // has a value
	Tombstone              // was removed at Stamp; kept so that nothing older resurrects it
	Forgotten              // dropped on this node only; holds its place in the digest
	Floor                  // a removal of many: Key is a FloorKey, nothing it covers is older than Stamp
)
