// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// An Op is what is asked of a region.
type Op uint8

// The operations. Wire numbers of the change log: only append to this list.
const (
	Get         Op = iota + 1
	Put            // store; coherence with peers follows from the region's settings
	PutIfAbsent    // store unless a live element is there (JCS: putSafe)
	Update         // remove at the peers, then put here: the application changed the source
	Remove         // one key; a key that ends in Separator removes what starts with it
	RemoveAll      // the whole region
	RemoveGroup    // every key of a group; Key is the group's name
	Keys           // live keys; Pattern selects
	GetMatching    // live elements whose key matches Pattern
	Merge          // an element, of whatever State, as another node knows it
	Touch          // note an access to a live element, as a Get does, without asking for its value
	Take           // remove a live element and return it: to one caller at most, of all nodes
	RemoveTag      // every element that has a tag; Key is the tag
)

var opNames = [...]string{"?", "get", "put", "put-if-absent", "update", "remove", "remove-all", "remove-group", "keys", "get-matching", "merge", "touch", "take", "remove-tag"}

// String returns the name of the operation.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return "?"
}

// An Origin says where a command came from, and so where its change may not go.
type Origin uint8

// The origins.
const (
	Application Origin = iota // a caller on this node
	LocalOnly                 // a caller on this node who wants it to stay here
	FromLateral               // a peer's change
	FromRemote                // a remote tier
	FromDisk                  // this node's own disk
	FromSync                  // a peer's state, not its change: a join or a repair
)

// A Command asks something of a region.
type Command struct {
	Op      Op
	Origin  Origin
	Region  string
	Key     string
	Pattern string // Keys, GetMatching: Java-like regular expression over the whole key; "" is all
	Value   Value
	Whole   string      // of a Put: "", or Key and the bytes of Value in one string of their own, which memory may keep instead of a copy
	Attr    *Attributes // nil: the region's own
	Stamp   Stamp       // zero for Application and LocalOnly: the region's clock gives it
	Hash    uint64      // Remove from IssueRemoveOnPut: hash of the value put there; 0 is none

	Acks Acks // writes of the Application: how many peers must have it first

	Token Token // Get: the answer is to be as new as this write

	// Seen makes a Put or a Remove of one key conditional: the live element
	// must have this stamp, or there must be none if it is zero. Else nothing
	// is done and the Reply says Conflict.
	Seen *Stamp
	// Caller is who asks, for those who watch the region; 0 is nobody.
	Caller uint64
	// More says that the caller is about to write more, and will say when that
	// was all (Mesh.Tell): until then peers need not be sent this by itself.
	More bool

	Replaced Stamp // Put from a peer: what it replaced there
	Accessed int64 // Merge, Put from elsewhere: last access known there
	State    State // Merge
}

// Acks is how many peers must have acknowledged a write before it returns.
type Acks int

// Besides numbers of peers:
const (
	RegionAcks Acks = 0  // what the region's settings say
	AllAcks    Acks = -1 // every linked peer that holds the region, and at least one
	NoAcks     Acks = -2 // none: as in JCS
	LinkedAcks Acks = -3 // every linked peer that holds the region, and none if none is linked
)

// ParseAcks reads what people write: 0 for none, a number of peers, all, or
// linked.
func ParseAcks(text string) (Acks, error) {
	n, err := strconv.ParseInt(text, 10, 16)
	switch {
	case text == "all":
		return AllAcks, nil
	case text == "linked":
		return LinkedAcks, nil
	case err != nil || n < 0:
		return RegionAcks, fmt.Errorf("acks %.40q: write 0, a number of peers, all, or linked", text)
	case n == 0:
		return NoAcks, nil
	}
	return Acks(n), nil
}

// String is what ParseAcks reads; "" is what the region says.
func (a Acks) String() string {
	switch a {
	case RegionAcks:
		return ""
	case AllAcks:
		return "all"
	case LinkedAcks:
		return "linked"
	case NoAcks:
		return "0"
	}
	return strconv.Itoa(int(a))
}

// A Reply answers a Command.
type Reply struct {
	Found    bool // Get: a live element; PutIfAbsent: one was there already; Remove: one was removed
	Element  Element
	Elements []Element // GetMatching
	Keys     []string  // Keys
	Count    int       // RemoveAll, RemoveGroup, RemoveTag, prefix Remove: how many went
	Stamp    Stamp     // of what was written or removed
	Conflict bool      // Command.Seen did not hold: Found and Element are what is there
}

// A Change is what really happened in a region, as peers are to hear of it.
type Change struct {
	Op      Op // Put, Remove, RemoveAll, RemoveGroup, RemoveTag
	Region  string
	Element Element // Key and Stamp always; Value and Attr for Put
	Hash    uint64  // see Command.Hash
	// Replaced is the version that a put of values that travel replaced at its
	// writer, zero if there was none.
	Replaced Stamp
	More     bool // see Command.More
}

// Errors that callers branch on.
var (
	ErrNoRegion = errors.New("no such region")
	ErrKey      = errors.New("bad key")
	ErrNoMember = errors.New("no silent member is called")
	ErrTooLarge = errors.New("too large")
	ErrClosed   = errors.New("node is closed")
	// ErrStopping: the node hands its sessions over and leaves, and takes no
	// new ones; another node of the cluster does.
	ErrStopping = errors.New("node is stopping")
	// ErrNotReplicated: the write is done here and on its way, but fewer peers
	// than asked for have acknowledged it.
	ErrNotReplicated = errors.New("not replicated")
	// ErrNotReady: regions of this node may still lack what its peers hold.
	ErrNotReady = errors.New("not ready")
	// ErrObserved: the region belongs to a cluster that this node only listens
	// to (ListenOnly), so nothing is written to it here.
	ErrObserved = errors.New("only observed here")
	// ErrUnsettled: in a strict region the removal is done here and on its way,
	// but some member may still serve what was removed.
	ErrUnsettled = errors.New("not settled")
	// ErrNotCurrent: the write that a read is to see is on no node that can
	// be asked.
	ErrNotCurrent = errors.New("not current")
)

// Do carries out a command on whatever region it names; fronts are handed one
// and know nothing else of regions.
type Do func(ctx context.Context, c Command) (Reply, error)

// A Kind is what sort of auxiliary a region also writes to.
type Kind uint8

// The kinds of auxiliaries.
const (
	Disk Kind = iota
	Lateral
	RemoteTier
)

// An Auxiliary is whatever a region also writes to and may ask on a miss.
type Auxiliary interface {
	// Note is told every change of the region that fan-out lets through. It
	// is called under the lock of the element, in the order of its changes,
	// and must not block or call back.
	Note(c Change)
	// Fetch looks the key up on a miss. It may block until ctx ends.
	Fetch(ctx context.Context, region, key string) (Element, bool, error)
}

// A Toucher is an Auxiliary that peers hear through of accesses to what they
// hold, too. Touch is called by readers, under the lock of the element: it
// must not block, call back or do much.
type Toucher interface {
	Touch(region, key string, at int64)
}
