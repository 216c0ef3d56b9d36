// SPDX-License-Identifier: Apache-2.0

package cache

import "time"

// A Survey is what the members of one group could hear and reach when all of
// them sent, listened and dialled at one time. Its JSON form is a stable
// interface.
type Survey struct {
	Cluster string     `json:"cluster"`
	Group   string     `json:"group,omitempty"` // "" if members are listed, not discovered
	At      time.Time  `json:"at"`
	Members []Surveyed `json:"members"` // who was asked first
}

// Surveyed is one member's part of a Survey, in its own words.
type Surveyed struct {
	Party
	ID      string `json:"id,omitempty"`
	Receive bool   `json:"receive"` // it listens
	// Asked says how its word was got: self, link, or the member that passed it
	// on. "" means that it could not be asked, and Why says why.
	Asked string `json:"asked,omitempty"`
	Why   string `json:"why,omitempty"`

	Interfaces []SurveyedInterface `json:"interfaces,omitempty"` // where it sends to the group and listens
	Heard      []SurveyedPacket    `json:"heard,omitempty"`      // by multicast, its own packets included
	Reached    []SurveyedDial      `json:"reached,omitempty"`    // by TCP
	Linked     []string            `json:"linked,omitempty"`     // ids of the members it has a link with
	Regions    map[string]string   `json:"regions,omitempty"`    // name → mode
	// Skew is how far the clocks of linked members are ahead of its own, by id.
	Skew map[string]time.Duration `json:"skew_ns,omitempty"`
}

// A SurveyedInterface is one that a member uses for its group.
type SurveyedInterface struct {
	Name   string `json:"name"`
	Addr   string `json:"addr,omitempty"`
	MTU    int    `json:"mtu,omitempty"`    // bytes that a packet on it may have; 0 is not known
	Reason string `json:"reason,omitempty"` // what keeps it from sending or hearing
}

// A SurveyedPacket is that a member was heard on an interface.
type SurveyedPacket struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	From      string `json:"from"` // address
	Packets   int    `json:"packets"`
}

// A SurveyedDial is one attempt to connect.
type SurveyedDial struct {
	ID    string        `json:"id,omitempty"`
	Addr  string        `json:"addr"`
	Local string        `json:"local,omitempty"` // the address it was dialled from
	Took  time.Duration `json:"took_ns"`
	How   DialFailure   `json:"how,omitempty"` // it failed
	Why   string        `json:"why,omitempty"` // in words

	// Fits is the size in bytes of the largest packet that arrived there, of
	// those that were tried; the first is as large as both ends take. 0: none
	// was tried, or not even a small one was acknowledged.
	Fits int `json:"fits,omitempty"`
	Lost int `json:"lost,omitempty"` // of the smallest that did not arrive; 0: none was lost
}

// A DialFailure is a kind of failure to connect.
type DialFailure string

// The kinds.
const (
	DialRefused     DialFailure = "refused"     // nobody listens there
	DialSilent      DialFailure = "silent"      // no answer in time
	DialUnreachable DialFailure = "unreachable" // no way there
	DialFailed      DialFailure = "failed"      // something else
)

// Take adds a member's own word, or why there is none. Who it is stays as it
// was known before.
func (s *Surveyed) Take(word *Surveyed, err error) {
	if err != nil {
		s.Asked, s.Why = "", err.Error()
		return
	}
	s.Interfaces, s.Heard, s.Reached, s.Linked = word.Interfaces, word.Heard, word.Reached, word.Linked
	s.Regions, s.Skew = word.Regions, word.Skew
	if s.Addr == "" {
		s.Addr = word.Addr
	}
}
