// SPDX-License-Identifier: Apache-2.0

package web

import "time"

// MaxGrid is how many members a group may have to be drawn as a matrix; a
// larger one is told by its sums and what is missing.
const MaxGrid = 48

// A View is all that the dashboard shows of the cluster at one instant. It is
// made once for all who look.
type View struct {
	Now      time.Time     `json:"now"`
	Host     string        `json:"host"` // of the service that answers
	Service  string        `json:"service"`
	Version  string        `json:"version"`
	Complete bool          `json:"complete"`
	Expected int           `json:"expected"` // links
	Present  int           `json:"present"`
	Nodes    int           `json:"nodes"`
	Warnings []Warning     `json:"warnings"`
	Grids    []Grid        `json:"grids"`
	Missing  []MissingView `json:"missing"`
	Java     []JavaView    `json:"java"`
	Losses   []LossView    `json:"losses"`
	Disputes []DisputeView `json:"disputes"`
	Hosts    []HostView    `json:"hosts"`
	Regions  []RegionView  `json:"regions"`
	Stable   []string      `json:"stable"` // up to when everything is everywhere, in words, by endpoint
}

// The kinds of warnings.
const (
	WarnSecret   = "secret"   // anybody who reaches an endpoint may take part
	WarnLoopback = "loopback" // there is no secret, but only this machine reaches it
	WarnNote     = "note"
)

// A Warning stands above everything else.
type Warning struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// A Grid is one discovery group as a matrix: Rows[i][j] is what member i sends
// to member j.
type Grid struct {
	Cluster  string       `json:"cluster"`
	Group    string       `json:"group"` // "" if members are listed, not discovered
	Expected int          `json:"expected"`
	Present  int          `json:"present"`
	Members  []GridMember `json:"members"`
	Rows     [][]Cell     `json:"rows,omitempty"` // none of more than MaxGrid members
}

// A GridMember names a row and a column.
type GridMember struct {
	Name  string `json:"name"`
	Addr  string `json:"addr,omitempty"`
	PID   int    `json:"pid,omitempty"`
	Stale bool   `json:"stale,omitempty"` // unseen for several announcement periods
	Asked bool   `json:"asked,omitempty"` // what its row says it says itself
	Up    int    `json:"up"`              // links it has
	Want  int    `json:"want"`            // … and should have
}

// The states of a cell.
const (
	CellSelf    = "self"
	CellUp      = "up"
	CellMissing = "missing"
	CellNone    = "none" // two that only send have nothing to say to each other
)

// A Cell is one direction between two members.
type Cell struct {
	State    string `json:"state"`
	Protocol string `json:"protocol,omitempty"`
	Lag      *int64 `json:"lag_ms,omitempty"` // absent: neither end was asked
	Most     bool   `json:"most,omitempty"`   // the lag is that or less: by what the receiver told with its last heartbeats
	Changes  uint64 `json:"changes,omitempty"`
	Why      string `json:"why,omitempty"`
}

// A MissingView link with its cause and what to do about it.
type MissingView struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

// Java is a link with a Java node. What such nodes should be linked with nobody
// knows.
type JavaView struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Protocol  string `json:"protocol"`
	Direction string `json:"direction"`
	Changes   uint64 `json:"changes"`
	Lag       int64  `json:"lag_ms"`
}

// A HostView has services.
type HostView struct {
	Name     string        `json:"name"`
	Services []ServiceView `json:"services"`
}

// A ServiceView is a process of the cluster.
type ServiceView struct {
	Name      string    `json:"name"`
	PID       int       `json:"pid,omitempty"`
	Endpoints []string  `json:"endpoints"` // name and address
	Up        int       `json:"up"`        // links
	Want      int       `json:"want"`
	Heard     time.Time `json:"heard,omitzero"`
	Stale     bool      `json:"stale,omitempty"`
	Asked     bool      `json:"asked,omitempty"` // of this host, and answered; else what follows is not known
	Version   string    `json:"version,omitempty"`
	Started   time.Time `json:"started,omitzero"`
	Unready   []string  `json:"unready,omitempty"`
	Error     string    `json:"error,omitempty"` // why it did not answer
}

// A RegionView of one of the services that were asked.
type RegionView struct {
	Region     string        `json:"region"`
	Service    string        `json:"service"`        // host/service
	Here       bool          `json:"here,omitempty"` // of the service that answers: keys can be asked for
	Mode       string        `json:"mode"`
	Elements   int           `json:"elements"`
	MaxObjects int           `json:"max_objects"`
	Bytes      int64         `json:"bytes"`
	Hits       uint64        `json:"hits"`
	Gets       uint64        `json:"gets"`
	Evictions  uint64        `json:"evictions"`
	Expired    uint64        `json:"expired"`
	Disks      int           `json:"disks,omitempty"` // disk auxiliaries
	OnDisk     int           `json:"on_disk,omitempty"`
	DiskBytes  int64         `json:"disk_bytes,omitempty"` // of the files
	Lag        int64         `json:"lag_ms"`               // of the peer that is furthest behind
	Changes    uint64        `json:"changes"`
	StaleMost  time.Duration `json:"stale_most_ns,omitempty"`
	StaleNow   time.Duration `json:"stale_now_ns,omitempty"`
	Unready    string        `json:"unready,omitempty"`
	Trouble    string        `json:"trouble,omitempty"` // what happened that should be rare
}
