// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Known is what one node knows of one key of a region, without the value: what
// `lateral why` shows and `lateral verify` compares. Of what callers here
// hide from the peers it tells beside what they have in common.
type Known struct {
	State KnownState `json:"state"`
	Stamp Stamp      `json:"stamp"` // of what peers have in common with this node; "-" is none

	Bytes    int           `json:"bytes,omitempty"`
	Accessed int64         `json:"accessed_ms,omitempty"` // last, as far as is known here; ms since 1970
	Eternal  bool          `json:"eternal,omitempty"`
	MaxLife  time.Duration `json:"max_life_ns,omitempty"`
	MaxIdle  time.Duration `json:"max_idle_ns,omitempty"`
	Left     time.Duration `json:"left_ns,omitempty"` // until it expires if nobody reads it; 0: never, or it is no value

	Hidden Stamp `json:"hidden,omitzero"` // of a value that callers of this node see instead, and peers do not

	Floor   string `json:"floor,omitempty"` // the newest removal of many that means the key, in words
	FloorAt Stamp  `json:"floor_at,omitzero"`

	Refused *Refused `json:"refused,omitempty"` // the last that was refused of the key

	Stable    uint64 `json:"stable,omitempty"`     // removals up to this time (of stamps) need not be remembered here
	Retention int64  `json:"retention_ms"`         // longest life of anything
	Clock     int64  `json:"clock_ms"`             // of the node
	Room      bool   `json:"room"`                 // capacity pushes nothing out at present
	Mode      string `json:"mode"`                 // local, invalidate, replicate
	Strict    bool   `json:"strict,omitempty"`     // served under leases only
	Outage    string `json:"link_down,omitempty"`  // WhenLinkDown, of an invalidated region
	Bypassed  bool   `json:"bypassed,omitempty"`   // memory is not looked at now: a link is down, or a lease is missing
	Held      bool   `json:"held,omitempty"`       // kept out of memory while its source changes
	Lease     int64  `json:"lease_ms,omitempty"`   // for how long a strict region may be served
	Invalid   int64  `json:"invalid_ms,omitempty"` // when the key, or one that shares its counter, was last invalidated
}

// Refused is a change that a region did not take.
type Refused struct {
	Stamp Stamp     `json:"stamp"`
	At    time.Time `json:"at"`
	Why   string    `json:"why"`
}

// A KnownState says what a node holds of a key.
type KnownState string

// The states of what is known.
const (
	KnownLive      KnownState = "live"
	KnownExpired   KnownState = "expired"   // a value over its lifetime, not yet cleared away
	KnownTombstone KnownState = "tombstone" // a removal of this key
	KnownForgotten KnownState = "forgotten" // dropped on this node only: a newer write brings it back
	KnownFloor     KnownState = "floor"     // a removal of many, as an element of the digest
	KnownAbsent    KnownState = "absent"    // nothing
)

// Newest returns the newer of the element's stamp and that of the removal of
// many that means it.
func (k *Known) Newest() Stamp {
	if k.FloorAt.Compare(k.Stamp) > 0 {
		return k.FloorAt
	}
	return k.Stamp
}

// Removed reports whether the newest that is known is a removal.
func (k *Known) Removed() bool {
	return k.State == KnownTombstone || k.State == KnownFloor || k.FloorAt.Compare(k.Stamp) > 0
}

// A KeyName is a key as JSON: a name that is no UTF-8 is base64, and says so.
type KeyName struct {
	Key         string `json:"key"`
	Group       string `json:"group,omitempty"`
	Removal     string `json:"removal,omitempty"` // it is no key, but a removal of many: everything, group, prefix, tag
	KeyEncoding string `json:"key_encoding,omitempty"`
}

// NameKey returns the name of a key, or of a floor.
func NameKey(key string) KeyName {
	var k KeyName
	if op, name, ok := SplitFloor(key); ok {
		k = KeyName{Key: name, Removal: FloorName(op)}
	} else if g, name, ok := SplitGroup(key); ok {
		k = KeyName{Key: name, Group: g}
	} else {
		k = KeyName{Key: KeyText(key)}
	}
	if !utf8.ValidString(k.Key) || !utf8.ValidString(k.Group) {
		enc := base64.StdEncoding.EncodeToString
		k.Key, k.Group, k.KeyEncoding = enc([]byte(k.Key)), enc([]byte(k.Group)), "base64"
	}
	return k
}

// String is the name as people read it.
func (k KeyName) String() string {
	switch {
	case k.Removal == "everything":
		return "(removal of everything)"
	case k.Removal != "":
		return fmt.Sprintf("(removal of %s %s)", k.Removal, k.Key)
	case k.Group != "":
		return k.Group + "/" + k.Key
	}
	return k.Key
}

// FloorName says of what the floor is that an operation leaves.
func FloorName(op Op) string {
	switch op {
	case RemoveTag:
		return "tag"
	case RemoveGroup:
		return "group"
	case Remove:
		return "prefix"
	}
	return "everything"
}

const stampTime = "2006-01-02T15:04:05.000Z"

// MarshalText is String.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String prints.
func (s *Stamp) UnmarshalText(b []byte) (err error) {
	*s, err = ParseStamp(string(b))
	return err
}

// ParseStamp reads what Stamp.String prints; "" is the zero Stamp, too.
func ParseStamp(text string) (Stamp, error) {
	if text == "-" || text == "" {
		return Stamp{}, nil
	}
	rest, node, ok := strings.Cut(text, "@")
	date, counter, ok2 := strings.Cut(rest, "+")
	ms, err := time.Parse(stampTime, date)
	n, err2 := strconv.ParseUint(node, 16, 64)
	c, err3 := strconv.ParseUint(counter, 10, counterBits)
	if !ok || !ok2 || errors.Join(err, err2, err3) != nil || len(node) != 16 {
		return Stamp{}, fmt.Errorf("%.80q is not a stamp: time+counter@node is expected", text)
	}
	s := StampAt(ms.UnixMilli(), NodeID(n))
	s.Time |= c
	return s, nil
}
