// SPDX-License-Identifier: Apache-2.0

package cache

import "time"

// A Sameness answers whether replicas are equal.
type Sameness string

// The answers.
const (
	Equal     Sameness = "equal"
	Different Sameness = "different"
	Unknown   Sameness = "unknown" // somebody could not be asked, or answered too late
)

// A Verification says whether the replicas of regions are equal.
type Verification struct {
	Verdict Sameness        `json:"verdict"` // different if one is, else unknown if one is, else equal
	Regions []RegionVerdict `json:"regions"`
}

// Sum sets the verdict over all.
func (v *Verification) Sum() {
	v.Verdict = Equal
	for _, r := range v.Regions {
		if r.Verdict == Different || r.Verdict == Unknown && v.Verdict == Equal {
			v.Verdict = r.Verdict
		}
	}
}

// A RegionVerdict is about one replicated region at one endpoint. Equal means:
// of all that was written before At on any member, nothing is missing on any.
type RegionVerdict struct {
	Region   string         `json:"region"`
	Endpoint string         `json:"endpoint"`
	Verdict  Sameness       `json:"verdict"`
	At       time.Time      `json:"at"`
	Members  []VerifyMember `json:"members"` // this one first
	// Differences are those found, the first MaxDifferences of them.
	Differences []Difference `json:"differences,omitempty"`
	Total       int          `json:"total,omitempty"` // of differences
	More        bool         `json:"more,omitempty"`  // there may be others: not all that was unlike was looked at
	Repaired    bool         `json:"repaired,omitempty"`

	// Observed is set where an endpoint with ListenOnly heard the values, and
	// compared what Java nodes said. Then Total counts the crossed disputes, and
	// the verdict is never equal: who only listens cannot prove it.
	Observed bool      `json:"observed,omitempty"`
	Disputes []Dispute `json:"disputes,omitempty"` // the first MaxDifferences, the crossed before the others
	InTurn   int       `json:"in_turn,omitempty"`  // of disputes

	Why []string `json:"why,omitempty"` // of unknown, and remarks
}

// MaxDifferences bounds how many keys a verdict lists.
const MaxDifferences = 100

// A VerifyMember is a member of a region that was, or should have been, asked.
type VerifyMember struct {
	Name     string `json:"name"` // host/service endpoint
	ID       string `json:"id"`
	Digest   string `json:"digest,omitempty"`   // at the first look
	Elements int    `json:"elements,omitempty"` // of any state
	Why      string `json:"why,omitempty"`      // it could not be asked
}

// A Difference is a key of which some member lacks what another has.
type Difference struct {
	KeyName
	Raw    string    `json:"-"`
	Held   []Holding `json:"held"`
	Lacked []string  `json:"lacked"` // names of the members that lack the newest
}

// A Holding is what one member knows of a key.
type Holding struct {
	Member string `json:"member"` // host/service endpoint
	Own    bool   `json:"own,omitempty"`
	Writer string `json:"writer,omitempty"` // of the stamp, where its node is known
	Err    string `json:"error,omitempty"`  // it could not be asked
	Known
}

// A TierHolding is what a remote tier has of a key.
type TierHolding struct {
	Name    string `json:"name"`
	Servers string `json:"servers"`
	Waiting bool   `json:"waiting,omitempty"` // it is in this node's queue, and not on the server yet
	Err     string `json:"error,omitempty"`   // it could not be asked
	Known
}

// An Explanation is what all linked members know of one key.
type Explanation struct {
	Region string    `json:"region"`
	Mode   string    `json:"mode"`
	At     time.Time `json:"at"`
	KeyName
	Held   []Holding     `json:"held"`             // this one first
	Remote []TierHolding `json:"remote,omitempty"` // in the order in which a miss asks them
	Why    []string      `json:"why"`              // the rules that decide, in words
}
