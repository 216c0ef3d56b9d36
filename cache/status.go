// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"strings"
	"time"
)

// Status is one node as it sees itself and its cluster. CLI, HTTP and
// dashboard render this same value; its JSON form is a stable interface.
type Status struct {
	Version   string           `json:"version"`
	Host      string           `json:"host"`
	Service   string           `json:"service"`
	PID       int              `json:"pid"`
	Node      string           `json:"node"` // id of this incarnation
	Started   time.Time        `json:"started"`
	Now       time.Time        `json:"now"`
	Stopping  bool             `json:"stopping,omitempty"` // it hands its sessions over and leaves: ask another
	Files     []string         `json:"files"`
	Endpoints []EndpointStatus `json:"endpoints"`
	Regions   []RegionStatus   `json:"regions"`
	Warnings  []string         `json:"warnings,omitempty"`
}

// EndpointStatus is one lateral auxiliary of a node: a listener, a discovery
// group and the links to the other endpoints of that group.
type EndpointStatus struct {
	Endpoint  string           `json:"endpoint"` // the auxiliary's name in the ccf
	ID        string           `json:"id"`
	Cluster   string           `json:"cluster"`
	Listen    string           `json:"listen,omitempty"` // "" with Receive=false
	Group     string           `json:"group,omitempty"`  // discovery, "224.0.0.1:6780"
	Discovery string           `json:"discovery"`        // what discovery is doing, in words
	Members   []Member         `json:"members"`          // the others that are believed in, this endpoint first
	Links     []LinkStatus     `json:"links"`            // own links
	Matrix    []Row            `json:"matrix"`           // rows of all members, as last heard
	Log       LogStatus        `json:"log"`
	Counters  map[string]int64 `json:"counters"`
	Stable    StableStatus     `json:"stable"`
	Leases    []LeaseStatus    `json:"leases,omitempty"` // of all members, where a region is strict
	// JavaDown are the Java nodes to which there is no connection: address → cause.
	JavaDown map[string]string `json:"java_down,omitempty"`
	// JavaNodes are those heard in the discovery group, whether or not there are
	// connections.
	JavaNodes  []JavaNode `json:"java_nodes,omitempty"`
	ListenOnly bool       `json:"listen_only,omitempty"` // it observes: Observed is what
	Observed   *Observed  `json:"observed,omitempty"`
	// Relayed is what a bridge (Bridge=true) has passed on between generations.
	Relayed []Relayed `json:"relayed,omitempty"`
	// JavaLosses are what did not pass between Java nodes and others, and what
	// a bridge has passed on that not all can read.
	JavaLosses []JavaLoss `json:"java_losses,omitempty"`
	Security   Security   `json:"security"`
	// Others are the clusters of other names that were heard in the group: address → name.
	Others map[string]string `json:"others,omitempty"`
}

// Security says how an endpoint tells members from others.
type Security struct {
	Secrets   []string   `json:"secrets,omitempty"`   // fingerprints of the cluster secrets, the one that sends first
	CertFile  string     `json:"cert_file,omitempty"` // links are proven by certificates of the operator's own
	Ends      string     `json:"ends,omitempty"`      // that certificate ends soon, or has, in words
	Java      string     `json:"java,omitempty"`      // Java nodes although there is a secret, in words
	Open      string     `json:"open,omitempty"`      // anybody who reaches it may take part; what that means, in words
	Strangers []Stranger `json:"strangers,omitempty"` // who was refused in the last minutes
}

// A Stranger is somebody who was refused.
type Stranger struct {
	Addr  string    `json:"addr"`
	Why   string    `json:"why"` // the last reason
	Count int64     `json:"count"`
	Last  time.Time `json:"last"`
}

// String says it in a line.
func (s Stranger) String() string {
	if rest, ok := strings.CutPrefix(s.Why, "it "); ok {
		return "neighbour " + s.Addr + " " + rest
	}
	return "neighbour " + s.Addr + ": " + s.Why
}

// StableStatus says up to when every change is on every member.
type StableStatus struct {
	Known  bool   `json:"known"`            // false: of nothing is it known
	Millis int64  `json:"millis"`           // how long ago that was
	Holder string `json:"holder,omitempty"` // the member that is waited for, host/service.endpoint
	Linked bool   `json:"linked"`           // it has a link: this is no more than the time that news takes
}

// LeaseStatus is what a strict region needs of one member, and has.
type LeaseStatus struct {
	Host     string        `json:"host,omitempty"`
	Service  string        `json:"service,omitempty"`
	Endpoint string        `json:"endpoint,omitempty"`
	ID       string        `json:"id,omitempty"`
	Addr     string        `json:"addr,omitempty"` // of a configured one that was never reached
	Held     time.Duration `json:"held_ns"`        // for how long this node may rely on it
	Granted  time.Duration `json:"granted_ns"`     // for how long it may rely on this node
	Why      string        `json:"why,omitempty"`  // there is no lease from it, so nothing is served
}

// A SilentMember is one that counts though no link leads to it.
type SilentMember struct {
	Endpoint string `json:"endpoint"`          // of this node, to whose mesh it belongs
	Name     string `json:"name,omitempty"`    // host/service.endpoint, "" if this node has only heard of it
	ID       string `json:"id"`                // of that incarnation
	Strict   bool   `json:"strict,omitempty"`  // strict regions are not served for its sake
	Dropped  int    `json:"dropped,omitempty"` // once it is forgotten: elements of invalidated regions that this node dropped
}

// A Member is an endpoint that discovery believes in.
type Member struct {
	ID       string    `json:"id,omitempty"` // "" while only its address is known
	Host     string    `json:"host,omitempty"`
	Service  string    `json:"service,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	Addr     string    `json:"addr,omitempty"`
	Also     []string  `json:"also,omitempty"` // where else it is dialled; as the configuration has it, so perhaps by name
	PID      int       `json:"pid,omitempty"`
	Node     string    `json:"node,omitempty"`
	Source   string    `json:"source"` // multicast, static, dns, peer, link, self
	Heard    time.Time `json:"heard"`
	Stale    bool      `json:"stale,omitempty"` // unseen for several announcement periods
	Receive  bool      `json:"receive"`         // it listens and wants changes
	Role     string    `json:"role,omitempty"`  // observer: it only listens to Java nodes (ListenOnly)
}

// A Row is what one member says of its own links.
type Row struct {
	ID    string    `json:"id"`
	Heard time.Time `json:"heard"`
	Up    []string  `json:"up"` // ids of the members it has a link with
	// Down says why there is no link with some: id, or address while no id is known, → cause.
	Down map[string]string `json:"down,omitempty"`
}

// Party names one end of a link.
type Party struct {
	Host     string `json:"host"`
	Service  string `json:"service"`
	Endpoint string `json:"endpoint"`
	Addr     string `json:"addr"`
	PID      int    `json:"pid,omitempty"`
}

// LinkStatus is one link of this node.
type LinkStatus struct {
	From      Party       `json:"from"`
	To        Party       `json:"to"`
	PeerID    string      `json:"peer_id"`
	Local     string      `json:"local"`
	Remote    string      `json:"remote"`
	Direction string      `json:"direction"` // in, out
	Protocol  string      `json:"protocol"`  // mesh; jcs-1.3, jcs-2, jcs-3, jcs-4, which have no stamps, no acknowledgements and no authentication
	Since     time.Time   `json:"since"`
	Lag       Lag         `json:"lag"`
	Behind    Behind      `json:"behind"`
	Travel    Propagation `json:"propagation"`
	Regions   []string    `json:"regions"` // shared with that peer
	// Differ are shared regions of which the peer's files have made something
	// else than this node's: name → its mode.
	Differ   map[string]string `json:"differ,omitempty"`
	Skew     time.Duration     `json:"skew_ns"` // its clock minus ours, at most
	Siblings []Sibling         `json:"siblings,omitempty"`
}

// A Sibling is another endpoint of a linked peer's process: whoever is in its
// group has to find it there before the mesh is complete.
type Sibling struct {
	Endpoint string `json:"endpoint"`
	Cluster  string `json:"cluster"`
	Group    string `json:"group"`
	Receive  bool   `json:"receive"`
}

// Lag is how far a peer is behind this node's own changes.
type Lag struct {
	Changes uint64               `json:"changes"`
	Bytes   uint64               `json:"bytes"`
	Millis  int64                `json:"millis"` // age of the oldest change it has not acknowledged
	Regions map[string]RegionLag `json:"regions,omitempty"`
}

// Behind tells by frontiers, that is from what the peer has said of itself, how
// far it has come in all regions. Peers say so with each heartbeat, so on a quiet
// mesh these are up to two of them.
type Behind struct {
	Millis int64 `json:"millis"` // how old is what it lacks at most of all that any member wrote; -1 is not known
	Heard  int64 `json:"heard"`  // how old is what this node lacks at most of what the peer wrote; -1 is not known
}

// Propagation is how long changes took until the peer had applied them and
// said so: one per 100 ms is timed, and heartbeats where nothing is written.
type Propagation struct {
	Minute Spread `json:"minute"` // the last
	All    Spread `json:"all"`    // since the start

	Times Histogram `json:"times"` // of All, for who keeps series
}

// A Spread sums up durations; percentiles are up to a quarter too large.
type Spread struct {
	Count uint64        `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P90   time.Duration `json:"p90_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// RegionLag is the part of a Lag that belongs to one region.
type RegionLag struct {
	Changes uint64 `json:"changes"`
	Bytes   uint64 `json:"bytes"`
	Millis  int64  `json:"millis"`
}

// MissingLink is a link that should be there and is not.
type MissingLink struct {
	From   Party  `json:"from"`
	To     Party  `json:"to"`
	Reason string `json:"reason"`
}

// MeshStatus answers "is the mesh complete?" for every service asked.
type MeshStatus struct {
	Complete bool          `json:"complete"`
	Expected int           `json:"expected"` // links that members of the same group should have
	Present  int           `json:"present"`
	Nodes    int           `json:"nodes"` // processes known
	Links    []LinkStatus  `json:"links"`
	Missing  []MissingLink `json:"missing"`
	Notes    []string      `json:"notes,omitempty"`
}

// LogStatus is the state of a change log.
type LogStatus struct {
	First uint64 `json:"first"` // oldest change still held
	Next  uint64 `json:"next"`  // number of the next change
	Bytes int    `json:"bytes"`
	Limit int    `json:"limit"`
}

// RegionStatus is one region of a node.
type RegionStatus struct {
	Region      string   `json:"region"`
	Mode        string   `json:"mode"` // local, invalidate, replicate
	Auxiliaries []string `json:"auxiliaries"`
	Policy      string   `json:"policy"`
	MaxObjects  int      `json:"max_objects"`
	Elements    int      `json:"elements"`
	Tombstones  int      `json:"tombstones"`
	Bytes       int64    `json:"bytes"` // of keys and values
	Digest      string   `json:"digest,omitempty"`
	Ready       bool     `json:"ready"`             // it lacks nothing that peers held when they were first linked
	Unready     string   `json:"unready,omitempty"` // why not
	Stats       Stats    `json:"stats"`

	// Of an invalidated region: how stale at most what is served may be, with
	// whatever link failing (LinkTimeout + StaleMax), and as things are. 0 if it is
	// strict, or not served from memory.
	StaleMost time.Duration `json:"stale_most_ns,omitempty"`
	StaleNow  time.Duration `json:"stale_now_ns,omitempty"`

	Disks   []DiskStatus   `json:"disks,omitempty"`   // in the order in which they are asked
	Remotes []RemoteStatus `json:"remotes,omitempty"` // likewise

	Strict bool          `json:"strict,omitempty"`   // served under leases only
	Lease  time.Duration `json:"lease_ns,omitempty"` // for how long it may be served if none is renewed; 0: it may not
}

// DiskStatus is what a region has on disk. Counters are since the start.
type DiskStatus struct {
	Name  string `json:"name"` // of the auxiliary
	Path  string `json:"path"`
	Works bool   `json:"works"`         // false: the region goes on in memory
	Why   string `json:"why,omitempty"` // … because of this

	Elements    int   `json:"elements"`
	Tombstones  int   `json:"tombstones"` // removals that are remembered there
	Bytes       int64 `json:"bytes"`      // of keys and records
	FileBytes   int64 `json:"file_bytes"`
	MaxElements int   `json:"max_elements"` // < 0: unlimited
	MaxBytes    int64 `json:"max_bytes"`    // 0: unlimited
	Queued      int   `json:"queued"`       // waiting to be written

	Hits     uint64 `json:"hits"`
	Misses   uint64 `json:"misses"`
	Expired  uint64 `json:"expired"`  // found or cleared away over their lifetime
	Written  uint64 `json:"written"`  // values
	Removed  uint64 `json:"removed"`  // by removals, or because memory has something newer
	Evicted  uint64 `json:"evicted"`  // the oldest, over the limits
	Lost     uint64 `json:"lost"`     // values that did not get there: the queue was full, or the disk does not work
	Wiped    uint64 `json:"wiped"`    // started empty because there were more removals than could wait
	Harmed   uint64 `json:"harmed"`   // files that did not agree with themselves, and were put aside
	Packed   uint64 `json:"packed"`   // files written anew without what is free
	Failures uint64 `json:"failures"` // attempts at a disk that did not work
	Restored uint64 `json:"restored"` // elements and removals taken from an earlier life
	Unproven uint64 `json:"unproven"` // files of an earlier life not believed: peers may have removed something since
}

// RemoteStatus is what a region has of a remote tier. Counters are since the start.
type RemoteStatus struct {
	Name    string        `json:"name"`                 // of the auxiliary
	Servers string        `json:"servers"`              // host:port,host:port, as written
	Mode    string        `json:"mode,omitempty"`       // standalone, sentinel, cluster; "" until it was connected
	Works   bool          `json:"works"`                // false: invalidations may be missing
	Why     string        `json:"why,omitempty"`        // … because of this
	Missing time.Duration `json:"missing_ns,omitempty"` // … for so long
	Tracked []string      `json:"tracked,omitempty"`    // masters whose invalidations arrive
	Through bool          `json:"through,omitempty"`    // writes wait for the server (WriteThrough)

	Queued int           `json:"queued"`           // changes that wait to be written
	Lag    time.Duration `json:"lag_ns,omitempty"` // how long the oldest of them has

	Hits          uint64 `json:"hits"`
	Misses        uint64 `json:"misses"`
	Expired       uint64 `json:"expired"`       // found over their lifetime
	Written       uint64 `json:"written"`       // values
	Removed       uint64 `json:"removed"`       // removals written, those of what was not written among them
	Lost          uint64 `json:"lost"`          // values that did not get there: the queue was full, they are too large, waited too long, or the server is full
	Wiped         uint64 `json:"wiped"`         // the region was emptied there because there were more removals than could wait
	Failures      uint64 `json:"failures"`      // attempts at writing that failed
	Invalidations uint64 `json:"invalidations"` // keys that the server told of
	Kept          uint64 `json:"kept"`          // … that were found to be what memory has
	Dropped       uint64 `json:"dropped"`       // … that memory had to let go, if it had them
	Gaps          uint64 `json:"gaps"`          // how often invalidations may have been missed, and are not any more
	Odd           uint64 `json:"odd"`           // answers with something that is no version of an element
}

// Stats counts what happened in a region since the start.
type Stats struct {
	Hits       uint64 `json:"hits"`       // found in memory (JCS: HitCountRam)
	AuxHits    uint64 `json:"aux_hits"`   // found in an auxiliary (JCS: HitCountAux)
	Misses     uint64 `json:"misses"`     // not found (JCS: MissCountNotFound)
	Expired    uint64 `json:"expired"`    // found but over time (JCS: MissCountExpired)
	Puts       uint64 `json:"puts"`       // by callers on this node
	Removes    uint64 `json:"removes"`    // by callers on this node
	Evictions  uint64 `json:"evictions"`  // over capacity
	Shrunk     uint64 `json:"shrunk"`     // taken by the shrinker
	Received   uint64 `json:"received"`   // changes of peers applied
	Stale      uint64 `json:"stale"`      // changes of peers that were older than what was held
	Overwrites uint64 `json:"overwrites"` // concurrent overwrites seen
	Filtered   uint64 `json:"filtered"`   // removals skipped because the value was equal (FilterRemoveByHashCode)
	Skewed     uint64 `json:"skewed"`     // changes of peers refused because their clock is too far ahead
	Gaps       uint64 `json:"gaps"`       // how often a link may have missed removals, so that the region was emptied
	GapDrops   uint64 `json:"gap_drops"`  // elements dropped because a link may have missed their removal
	// Values loaded by GetOrLoad or from auxiliaries.
	Fills         uint64 `json:"fills"`          // kept
	RejectedFills uint64 `json:"rejected_fills"` // not kept: the key was invalidated meanwhile, or a newer version is known
	Bypassed      uint64 `json:"bypassed"`       // gets that did not look in memory, because a link was down (WhenLinkDown)

	Unleased uint64 `json:"unleased,omitempty"` // gets that a strict region did not serve from memory, for want of a lease

	SyncIn     uint64 `json:"sync_in"`     // elements received by a sync
	SyncOut    uint64 `json:"sync_out"`    // elements sent by a sync
	SyncRounds uint64 `json:"sync_rounds"` // digest comparisons made
	// Bytes of frames of syncs, elements included; of the last one that found a difference, both ways.
	SyncBytesIn   uint64 `json:"sync_bytes_in"`
	SyncBytesOut  uint64 `json:"sync_bytes_out"`
	SyncLastBytes uint64 `json:"sync_last_bytes"`
}
