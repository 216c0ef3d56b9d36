// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"lateral/cache"
	"lateral/ccf"
	"lateral/converge"
	"lateral/fields"
	"lateral/mesh"
	"lateral/region"
)

// regions are the node's regions by name: those of the ccf, and those made
// from jcs.default when somebody first names them.
type regions struct {
	n      *Node
	mu     sync.Mutex // held to make one
	byName atomic.Pointer[map[string]*bound]
}

// maxRegions bounds what peers can have us make by naming regions.
const maxRegions = 4096

// bound is a region with what the mesh needs to know of it.
type bound struct {
	*region.Region
	n      *Node
	digest *converge.Digest // nil where values do not travel
	attr   *cache.Attributes
	shrink time.Duration // between two passes of housekeeping
	next   atomic.Int64  // ms, of the next pass
	aux    []string
	disks  []*regionDisk
	tiers  []*regionTier

	useRemote  bool       // puts may go to them
	warned     bool       // of the housekeeper, see warn
	compared   time.Time  // of the housekeeper, see compare
	again      bool       // likewise
	acks       cache.Acks // NoAcks, AllAcks or a number
	ackTimeout time.Duration

	strict   *strict // nil without Strict
	outage   *outage // nil where a link that is down makes no difference
	observed string  // the endpoint that only listens to what others write here, see observe.go
	session  bool    // replicated, with Acks: see session.go
	flights  flights
	votes    votes
}

func (b *bound) Mode() mesh.Mode               { return b.Region.Mode() }
func (b *bound) Digest() *converge.Digest      { return b.digest }
func (b *bound) Attributes() *cache.Attributes { return b.attr }
func (b *bound) Gap() int                      { return b.DropAll(b.n.now()) }

func (rs *regions) all() []*bound {
	m := *rs.byName.Load()
	out := make([]*bound, 0, len(m))
	for _, b := range m {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b *bound) int { return strings.Compare(a.Name(), b.Name()) })
	return out
}

// get returns a region, making it from jcs.default if need be.
func (rs *regions) get(name string) (*bound, error) {
	if b := (*rs.byName.Load())[name]; b != nil {
		return b, nil
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	old := *rs.byName.Load()
	if b := old[name]; b != nil {
		return b, nil
	}
	if len(old) >= maxRegions {
		return nil, fmt.Errorf("%w: %q would be number %d; is a key used as a region's name?", cache.ErrNoRegion, name, len(old)+1)
	}
	settings, _ := rs.n.ccf.Region(name)
	b, err := rs.make(settings)
	if err != nil {
		return nil, err
	}
	m := make(map[string]*bound, len(old)+1)
	for k, v := range old {
		m[k] = v
	}
	m[name] = b
	rs.byName.Store(&m)
	for _, e := range rs.n.endpoints {
		if slices.Contains(b.aux, e.name) {
			e.mesh.RegionsChanged()
			e.disc.Announce() // Java nodes know regions by name
		}
	}
	return b, nil
}

// defaultShrink is how often housekeeping looks at a region without a shrinker.
const defaultShrink = 30 * time.Second

func (rs *regions) make(c ccf.Region) (*bound, error) {
	s := region.Settings{Name: c.Name, MaxObjects: c.MaxObjects, MaxBytes: c.MaxBytes, Policy: c.Policy, Attr: c.Attr,
		UseShrinker: c.UseShrinker, MaxMemoryIdle: c.MaxMemoryIdle, MaxPerShrink: c.MaxSpoolPerRun, Join: fields.Join}
	var laterals []region.Gates
	seed := uint64(0)
	for _, name := range c.Auxiliaries {
		e := rs.n.endpoint(name)
		if a, _ := rs.n.ccf.Auxiliary(name); a.Disk != nil {
			s.Auxiliaries = append(s.Auxiliaries, region.Binding{Name: name, Kind: cache.Disk, Gates: region.Gates{UseDisk: c.UseDisk, DiskUpdate: c.DiskUpdate}})
		}
		if rs.n.remotes.servers[name] != nil {
			s.Auxiliaries = append(s.Auxiliaries, region.Binding{Name: name, Kind: cache.RemoteTier, Gates: region.Gates{UseRemote: c.UseRemote}})
		}
		if e == nil {
			continue // a kind that this version has no room for; config check says so
		}
		g := region.Gates{UseLateral: c.UseLateral, UseRemote: c.UseRemote, UseDisk: c.UseDisk, DiskUpdate: c.DiskUpdate,
			AllowPut: e.c.AllowPut, IssueRemoveOnPut: e.c.IssueRemoveOnPut, AllowGet: e.c.AllowGet, PutOnlyMode: e.c.PutOnlyMode,
			Receive: e.c.Receive, FilterRemoveByHashCode: e.c.FilterRemoveByHashCode}
		s.Auxiliaries = append(s.Auxiliaries, region.Binding{Name: name, Kind: cache.Lateral, Aux: e.auxiliary(), Gates: g})
		laterals = append(laterals, g)
		seed = xxh3.HashString("lateral digest " + e.cluster())
	}
	mode := region.ModeOf(&s.Attr, laterals)
	rs.together(&s, c.Auxiliaries)
	strict, err := rs.strictOf(c, mode)
	if err != nil {
		return nil, err
	}
	b := &bound{n: rs.n, strict: strict, outage: rs.outageOf(c, mode, &s), attr: &s.Attr, shrink: defaultShrink, aux: c.Auxiliaries, observed: rs.n.observedBy(c.Auxiliaries), acks: cache.Acks(c.Acks), ackTimeout: c.AckTimeout}
	if strict != nil {
		b.outage = nil // leases see to it, and to more
	}
	if c.Acks == 0 {
		b.acks = cache.NoAcks
	}
	if c.UseShrinker && c.ShrinkerInterval > 0 {
		b.shrink = c.ShrinkerInterval
	}
	b.next.Store(rs.n.wall().Add(b.shrink).UnixMilli())
	var d region.Digest
	if b.session = mode == region.Replicate && b.acks != cache.NoAcks; b.session {
		askPeers(s.Auxiliaries)
	}
	if mode == region.Replicate {
		b.digest = converge.New(seed)
		d = b.digest
	}
	b.tiers, b.useRemote = rs.openTiers(&s, mode, b), c.UseRemote
	if b.disks, err = rs.openDisks(&s, mode); err != nil {
		return nil, err
	}
	if b.Region, err = region.New(s, &rs.n.clock, d); err != nil {
		for _, d := range b.disks {
			d.Close()
		}
		return nil, err
	}
	if err := b.restore(); err != nil {
		return nil, err
	}
	return b, b.runTiers()
}

// together sets what a replicated region needs to know of the others. What is
// stable is known within one endpoint only: members of two that share a region
// would have to wait for each other.
func (rs *regions) together(s *region.Settings, auxiliaries []string) {
	var meshes []*mesh.Mesh
	for _, name := range auxiliaries {
		if e := rs.n.endpoint(name); e != nil {
			meshes = append(meshes, e.mesh)
		}
	}
	if len(meshes) == 1 {
		s.Stable, s.Present = meshes[0].Stable, meshes[0].Present
	}
	s.Owns = func(writer cache.NodeID) bool {
		for _, m := range meshes {
			if !m.Owns(writer) {
				return false
			}
		}
		return true
	}
}

// Attributes returns those that a region gives elements put without their own.
func (n *Node) Attributes(region string) (cache.Attributes, error) {
	b, err := n.regions.get(region)
	if err != nil {
		return cache.Attributes{}, err
	}
	return *b.attr, nil
}

// Do carries out a command; it is what fronts are handed. A Get or a Touch that
// memory cannot answer asks the region's auxiliaries.
func (n *Node) Do(ctx context.Context, c cache.Command) (cache.Reply, error) {
	if n.closed.Load() { // else a region might be made still
		return cache.Reply{}, cache.ErrClosed
	}
	b, err := n.regions.get(c.Region)
	if err != nil {
		return cache.Reply{}, err
	}
	return n.do(ctx, b, &c)
}

// do is Do on a region that was looked up before.
func (n *Node) do(ctx context.Context, b *bound, c *cache.Command) (rep cache.Reply, err error) {
	if n.closed.Load() {
		return rep, cache.ErrClosed
	}
	if err := b.refuses(c); err != nil {
		return rep, err
	}
	if c.Op == cache.Take {
		e, found, err := n.take(ctx, b, *c)
		return cache.Reply{Found: found, Element: e, Stamp: e.Stamp}, err
	}
	if c.Op == cache.Get && c.Origin != cache.LocalOnly && b.digest != nil {
		if t, err := tokenOf(ctx, c.Token); err != nil || !t.IsZero() {
			return n.doCurrent(ctx, b, c.Key, t, err)
		}
	}
	reads := c.Op == cache.Get || c.Op == cache.Touch
	if b.strict != nil {
		rep, err = b.strictApply(n.now(), *c)
	} else if !reads || !b.bypass() {
		rep, err = b.Apply(n.now(), *c)
	} else if c.Op == cache.Get {
		b.outage.bypassed.Add(1)
	}
	if err == nil && c.Origin == cache.Application {
		err = n.await(ctx, b, c.Op, c.Acks)
	}
	if !reads || rep.Found || err != nil || c.Origin == cache.LocalOnly {
		return rep, err
	}
	e, found, err := n.regions.fetch(ctx, b, c.Key)
	if c.Op == cache.Touch {
		return cache.Reply{Found: found, Stamp: e.Stamp}, err
	}
	return cache.Reply{Found: found, Element: e}, err
}

// compareEvery bounds how often a bounded region has its replicas compared
// because there is room again; a busy one has room every other moment.
const compareEvery = 10 * time.Second

// compare has replicas compared where something shows that they may differ:
// peers may have what this node has no longer, or has room for only now. The
// latter twice: what the first time brings here the second takes to those who
// could not have it from this node when it had no room.
func (b *bound) compare() {
	due := b.Struck() || b.again
	b.again = time.Since(b.compared) >= compareEvery && b.Lacks()
	if b.again {
		b.compared = time.Now()
	}
	if !due && !b.again {
		return
	}
	for _, e := range b.n.endpoints {
		if slices.Contains(b.aux, e.name) {
			e.mesh.Compare()
		}
	}
}

// housekeep runs the shrinker of each region when it is due.
func (rs *regions) housekeep(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, b := range rs.all() {
			now := rs.n.wall()
			b.dropLost()
			b.warn()
			b.Settle()
			b.compare()
			b.tellAlone()
			if b.next.Load() <= now.UnixMilli() {
				b.Shrink(now.UnixMilli())
				b.next.Store(now.Add(b.shrink).UnixMilli())
			}
		}
	}
}
