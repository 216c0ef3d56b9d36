// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	"lateral/beacon"
	"lateral/cache"
	"lateral/discover"
	"lateral/jcs"
)

// notice takes down what a datagram tells of its sender, for people: also of
// who shares no region, and of who cannot be dialled.
func (j *javaSide) notice(from beacon.Source, p *jcs.Packet, addr string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.Kind == jcs.Withdrawal {
		delete(j.seen, p.Requester)
		return
	}
	now := time.Now()
	n := j.seen[p.Requester]
	if n == nil {
		if len(j.seen) >= maxJavaNodes {
			return
		}
		n = &cache.JavaNode{ID: fmt.Sprintf("%016x", uint64(p.Requester)), First: now, Lateral: jcs.IsLateral(p.Requester), Observer: jcs.IsObserver(p.Requester)}
		j.seen[p.Requester] = n
	}
	n.Heard, n.Generation, n.Source = now, p.Gen.Family, from.Addr.Addr().Unmap().String()
	if p.Kind == jcs.Request {
		return // what it says of itself is the group's address
	}
	n.Addr, n.Announced = addr, net.JoinHostPort(p.Host, strconv.Itoa(p.Port))
	n.Regions = slices.Sorted(slices.Values(p.Regions))
}

// forget drops who fell silent.
func (j *javaSide) forget(silence time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.DeleteFunc(j.seen, func(_ int64, n *cache.JavaNode) bool { return time.Since(n.Heard) > silence })
}

// known returns who was heard, but for those that have announced nothing yet.
func (j *javaSide) known() (out []cache.JavaNode) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range j.seen {
		if n.Announced != "" {
			c := *n
			c.Regions = slices.Clone(n.Regions)
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b cache.JavaNode) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Announced, b.Announced), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// adopt makes the regions that a Java node has named, where the ccf binds new
// ones to this endpoint: an observer hears of those only that it has itself.
func (j *javaSide) adopt(p *jcs.Packet) {
	if !j.e.c.ListenOnly || p.Kind != jcs.Passive || jcs.IsObserver(p.Requester) {
		return
	}
	for _, name := range p.Regions {
		j.e.region(name)
	}
}

// silence is for how long a Java node may not be heard before it is forgotten.
func (j *javaSide) silence() time.Duration {
	return cmp.Or(j.e.c.MemberTimeout, discover.DefaultMemberTimeout)
}
