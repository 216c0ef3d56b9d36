// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"cmp"
	"fmt"
	"time"
)

// What a JavaLoss is about.
const (
	// LossUntold: Java nodes were not told a change, or not given what they
	// asked for; what is held here is not held there.
	LossUntold = "untold"
	// LossRefused: what a Java node said was not taken; it is held there, and
	// not here.
	LossRefused = "refused"
	// LossClass: a bridge has passed on a value with a class that does not come
	// with Java. Who has not that class, under the very name, can't read it.
	LossClass = "class"
)

// A JavaLoss counts what could not pass between Java nodes and others, or what
// not all of them can read, of one kind. There are at most MaxJavaLosses; what
// would be more is counted in one without From, To, Region and Class.
type JavaLoss struct {
	Kind   string    `json:"kind"`           // untold, refused, class
	From   string    `json:"from,omitempty"` // the generation that wrote, "jcs-1.3"; "" is the Lateral nodes
	To     string    `json:"to,omitempty"`   // the generation that does not get it; "" is the Lateral nodes
	Region string    `json:"region,omitempty"`
	Class  string    `json:"class,omitempty"` // of Java's, where that is why; its first 200 bytes
	Why    string    `json:"why"`
	Count  int64     `json:"count"`
	Key    string    `json:"key,omitempty"` // of the last, for people
	Last   time.Time `json:"last"`
}

// MaxJavaLosses is how many an endpoint tells apart.
const MaxJavaLosses = 256

// Compare orders losses: by kind, the most frequent first.
func (l JavaLoss) Compare(m JavaLoss) int {
	return cmp.Or(cmp.Compare(m.Kind, l.Kind), cmp.Compare(m.Count, l.Count), cmp.Compare(l.From+l.To, m.From+m.To), cmp.Compare(l.Region, m.Region), cmp.Compare(l.Class+l.Why, m.Class+m.Why))
}

// Way says whence and whither, in words.
func (l JavaLoss) Way() string {
	if l.From == "" && l.To == "" {
		return "any"
	}
	return fmt.Sprintf("%s → %s", cmp.Or(l.From, "lateral"), cmp.Or(l.To, "lateral"))
}

// Relayed counts what a bridge has passed on from one generation to another.
type Relayed struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Changes int64  `json:"changes"`
}
