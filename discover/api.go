// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"

	"lateral/cache"
)

// A Discoverer knows the members of one discovery group and cluster. Its
// methods may be called by several goroutines at once, before, during and
// after Run; they never block on the network.
type Discoverer struct {
	cfg     Config
	changed chan struct{}
}

// New returns a Discoverer that does nothing until Run; Members already lists
// the static addresses.
func New(c Config) *Discoverer {
	return &Discoverer{cfg: c, changed: make(chan struct{}, 1)}
}

// Run announces us, listens and resolves until ctx ends, says goodbye and
// returns nil. It returns an error at once if what we would say of ourselves
// can't be said (names too long, no id), or when Conn was closed under it. It
// is called once.
func (d *Discoverer) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Members returns everyone believed in except ourselves, sorted by host,
// service, endpoint and address. The result belongs to the caller.
func (d *Discoverer) Members() []Member { return nil }

// Changed is poked after every change to who is a member or how to reach one.
// It has room for one poke, for one reader.
func (d *Discoverer) Changed() <-chan struct{} { return d.changed }

// Learn takes in what a hello (Source Link) or another member (Source Peer)
// said of a member: ID, names and Addrs. Heard, if not zero, is when that was
// known to be so: for Peer the time the other heard of it, by our clock (send
// ages, not times). Hearsay never brings back who left, nor takes an address
// from somebody else; a hello does both. Loopback addresses are believed: a
// caller that got them over a link that is not loopback takes them out first.
func (d *Discoverer) Learn(m Member) {}

// Bind says that dialling addr, as Members gave it, led to this endpoint. If
// that is ourselves, the address is never offered again.
func (d *Discoverer) Bind(addr string, id cache.NodeID) {}

// Linked says that a link with the member has come up or is gone. A member
// with a link is never forgotten.
func (d *Discoverer) Linked(id cache.NodeID, up bool) {}

// Left says that the member took its leave on a link. It is forgotten at once,
// unless the configuration names it: then its address is left.
func (d *Discoverer) Left(id cache.NodeID) {}

// Refresh asks DNS again soon, as after a failed dial; at most once a second.
func (d *Discoverer) Refresh() {}

// Heard returns the packet counters.
func (d *Discoverer) Heard() Counts { return Counts{} }
