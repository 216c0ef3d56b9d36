// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"time"

	"lateral/javaser"
)

// An Op is what a message asks for. The numbers are those of JCS 1.3.
type Op uint8

// The operations (JCS: LateralCommand).
const (
	Update      Op = iota + 1 // store Element as it is
	Remove                    // one key, a group or a prefix
	RemoveAll                 // the region
	Dispose                   // never sent by any JCS, and ignored by all
	Get                       // is answered by an element or null
	GetMatching               // Key is a pattern; is answered by a map of key → element
	GetKeySet                 // is answered by a set of keys; since JCS 2
)

var opNames = [...]string{"", "UPDATE", "REMOVE", "REMOVEALL", "DISPOSE", "GET", "GET_MATCHING", "GET_KEYSET"}

// String is the name of the constant in JCS.
func (o Op) String() string {
	if int(o) < len(opNames) && o != 0 {
		return opNames[o]
	}
	return "?"
}

// Asks reports whether the operation has an answer.
func (o Op) Asks() bool { return o >= Get }

// NoHash is the hash of a removal that carries none. A value whose hash it is
// can't be told from that, which JCS accepts.
const NoHash = -1

// A Message is a LateralElementDescriptor: all that travels from the dialler
// of a connection to its listener.
type Message struct {
	Gen       *Generation
	Op        Op
	Requester int64 // of the sender; 0 in questions of JCS 1.3 to 3
	Hash      int32 // of a Remove that stands for a put: the value's hashCode; NoHash
	Element
}

// An Element is a CacheElement.
type Element struct {
	Region string
	Key    javaser.Value
	Value  javaser.Value // nil in all but Update and answers
	Attr   *Attributes   // nil likewise (JCS 4 sends some, which mean nothing)

	name *javaser.String // Region as it came, so that it can be sent on as the same object
}

// Attributes are an ElementAttributes. Times are the sender's clock.
type Attributes struct {
	Eternal, Lateral, Remote, Spool bool

	Created, Accessed time.Time     // of milliseconds, but of nanoseconds in JCS 4
	MaxLife, MaxIdle  time.Duration // < 0 is unlimited
	Size              int
	old               bool          // of JCS 1.3, not 1.3.3
	unit              time.Duration // in which MaxLife and MaxIdle are written; 0 is seconds
}
