// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"lateral/cache"
)

// Version of the protocol. A node speaks to every version that it knows;
// unknown fields of a hello are ignored.
const Version = 5

// leaseVersion is the first that knows leases and holds.
const leaseVersion = 2

// id is a NodeID as JSON carries it: 64 bits do not fit a JSON number.
type id cache.NodeID

func (i id) MarshalText() ([]byte, error) { return []byte(cache.NodeID(i).String()), nil }

func (i *id) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 16, 64)
	*i = id(n)
	return err
}

// identity is what members know of each other.
type identity struct {
	ID        id     `json:"id"`
	Node      id     `json:"node"`
	Host      string `json:"host"`
	Service   string `json:"service"`
	Endpoint  string `json:"endpoint"`
	PID       int    `json:"pid"`
	Port      int    `json:"port,omitempty"`      // of its listener; 0: it has none
	Advertise string `json:"advertise,omitempty"` // host to dial instead of the one it was seen at
}

// hello is the first frame of both sides.
type hello struct {
	Version int    `json:"version"`
	Cluster string `json:"cluster"`
	Group   string `json:"group,omitempty"` // discovery group; "": found by static list
	identity
	Receive  bool         `json:"receive"`            // wants changes
	Messages bool         `json:"messages,omitempty"` // knows frames of messages
	Dial     uint64       `json:"dial"`               // number of this dial among all of the dialler's
	Now      int64        `json:"now"`                // its wall clock, ms
	Regions  []regionInfo `json:"regions"`
	// The other endpoints of its process that are found by discovery.
	Siblings []cache.Sibling `json:"siblings,omitempty"`
}

type regionInfo struct {
	Name string `json:"name"`
	Mode string `json:"mode"`
	// Forgot is the time of the newest removal, or value that replaced another, that it may not
	// remember; 0: none. Who has elements from an earlier life holds them against it.
	Forgot uint64 `json:"forgot,omitempty"`
	// Unseen is that of the newest that it had no room for before every member had it.
	// Who has more on a disk than in memory holds that against it.
	Unseen uint64 `json:"unseen,omitempty"`
}

// forgetful is a Region that knows what it has forgotten.
type forgetful interface {
	Forgot() uint64
	Unseen() uint64
}

func infoOf(r Region) regionInfo {
	info := regionInfo{Name: r.Name(), Mode: r.Mode().String()}
	if f, ok := r.(forgetful); ok {
		info.Forgot, info.Unseen = f.Forgot(), f.Unseen()
	}
	return info
}

// infoRoom is what that takes as JSON at most.
func infoRoom(r Region) int { return 6*len(r.Name()) + 112 }

// Forgotten is what a peer does not know of a region any more, in times of stamps.
type Forgotten struct {
	Removed uint64 // removals, and values that replaced others, up to here
	Unseen  uint64 // what not every member had when it went, up to here
}

// forgot is what a peer has forgotten of each region.
func (h *hello) forgot() map[string]Forgotten {
	out := map[string]Forgotten{}
	for _, r := range h.Regions {
		f := out[r.Name]
		out[r.Name] = Forgotten{max(f.Removed, r.Forgot), max(f.Unseen, r.Unseen)}
	}
	return out
}

// Refusals that callers branch on.
var (
	errSelf      = errors.New("this is myself")
	errDuplicate = errors.New("another link to the same peer is kept")
)

func (m *Mesh) hello(dial uint64) *hello {
	h := &hello{Version: Version, Cluster: m.c.Cluster, Group: m.c.Group, identity: m.self, Receive: m.c.Receive, Messages: m.c.Message != nil,
		Dial: dial, Now: m.c.Now().UnixMilli(), Siblings: m.c.Siblings}
	room := maxHello / 2
	for _, r := range m.c.Regions() {
		// JSON writes a byte of a name as six at most. What has no room is not
		// shown as shared, which is all that a hello's regions are for.
		if room -= infoRoom(r); room > 0 && len(h.Regions) < maxNames {
			h.Regions = append(h.Regions, infoOf(r))
		}
	}
	return h
}

// check refuses names that no operator would give: they go into logs, tables
// and every member's row.
func (i *identity) check() error {
	for _, f := range [...]struct{ what, name string }{{"host", i.Host}, {"service", i.Service}, {"endpoint", i.Endpoint}, {"advertised host", i.Advertise}} {
		if len(f.name) > maxName || clean(f.name, maxName) != f.name {
			return fmt.Errorf("%w: a name of its %s with %d bytes, at most %d printable ones are allowed: %.64q",
				ErrProtocol, f.what, len(f.name), maxName, f.name)
		}
	}
	return nil
}

// clean makes text from elsewhere fit to be shown: printable and short.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), most)])
	return s[:min(len(s), most)]
}

// check says whether a peer that introduced itself so may be linked with.
func (m *Mesh) check(h *hello) error {
	switch {
	case h.ID == m.self.ID:
		return errSelf
	case h.ID == 0:
		return fmt.Errorf("%w: a hello without an id", ErrProtocol)
	case h.Version < 1:
		return fmt.Errorf("%w: version %d; this node speaks %d", ErrProtocol, h.Version, Version)
	case h.identity.check() != nil:
		return h.identity.check()
	case h.Cluster != m.c.Cluster:
		return fmt.Errorf("it belongs to cluster %.64q, this endpoint to %q: check ClusterName on both", h.Cluster, m.c.Cluster)
	case h.Group != "" && m.c.Group != "" && h.Group != m.c.Group:
		return fmt.Errorf("it belongs to discovery group %.64q, this endpoint to %s: check the listener ports and TcpServers on both", h.Group, m.c.Group)
	}
	return m.ahead("its clock", h.Now, m.c.Now().UnixMilli())
}

func appendJSON(b []byte, t frameType, v any) []byte {
	p, err := json.Marshal(v)
	if err != nil { // none of our types can fail
		panic(err)
	}
	return appendFrame(b, t, p)
}

func decodeJSON(t frameType, p []byte, v any) error {
	if err := json.Unmarshal(p, v); err != nil {
		return fmt.Errorf("%w: a %s frame that is no JSON of ours: %.200v", ErrProtocol, t, err)
	}
	return nil
}

// rowFrame is what has changed in a node's row since its last on this link.
type rowFrame struct {
	Whole bool              `json:"whole,omitempty"` // the first on a link: forget what was said before
	Up    []seen            `json:"up,omitempty"`    // links that are up, or are dialled elsewhere now
	IDs   []byte            `json:"ids,omitempty"`   // likewise, 8 bytes each; who does not know them asks
	Who   []byte            `json:"who,omitempty"`   // ids that I do not know: tell me by up
	Gone  []id              `json:"gone,omitempty"`  // links that are no more
	Down  map[string]string `json:"down,omitempty"`  // id or address → why there is no link; "": no longer so
}

// seen is a peer as this node is linked with it, and where others may dial it.
type seen struct {
	identity
	Addr string `json:"addr,omitempty"`
}
