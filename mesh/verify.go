// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"lateral/cache"
	"lateral/converge"
)

// Writers go on while replicas are compared, so two digests are hardly ever
// read at one instant. Hence, with T the time of the first look:
//
//  1. each peer's digest is compared with ours; where they differ, the
//     keys are found (sketches, as in a sync): suspects, most of which are
//     only on their way;
//  2. every member is asked what it holds of the suspects;
//  3. every member waits until all that it wrote before is with everybody;
//  4. and 2 again. A member lacks something if it holds exactly what it held
//     before, that is older than the newest that anybody held, and somebody
//     still holds something as new.
//
// What was written before T has arrived by then, so whatever is left is really
// missing. A removal that every member is known to have may be forgotten by
// some and not yet by others: that is no difference.

const (
	// maxSuspects is of how many keys at most what all members hold is looked
	// at; beyond it a verdict says that there may be more.
	maxSuspects = 4096
	// maxVerifies is how often the whole is done again where more than that
	// was on its way and none was missing.
	maxVerifies = 3
	// maxPieces is in how many parts a region is compared in which too much
	// differs for one sketch.
	maxPieces = 16
)

// Verify says whether a replicated region is equal on all its members. It
// waits for peers as long as ctx allows, settlePatience per step at most.
func (m *Mesh) Verify(ctx context.Context, region string) cache.RegionVerdict {
	for n := 1; ; n++ {
		v := &verifying{m: m, suspects: map[string]bool{}}
		v.RegionVerdict = cache.RegionVerdict{Region: region, Endpoint: m.c.Endpoint, Verdict: cache.Unknown, At: m.c.Now().UTC()}
		v.run(ctx)
		if !v.again || n == maxVerifies || ctx.Err() != nil {
			return v.RegionVerdict
		}
	}
}

// verifying is one comparison.
type verifying struct {
	cache.RegionVerdict
	m        *Mesh
	r        Region
	links    []*link
	suspects map[string]bool
	again    bool
}

func (v *verifying) run(ctx context.Context) {
	v.r = v.m.held(v.Region)
	own, knows := v.r.(Knower)
	switch {
	case v.r == nil:
		v.because("this node has no region %s", v.Region)
		return
	case v.r.Digest() == nil || !knows:
		v.because("values of this region do not travel: each node holds what it loaded itself, so there is nothing to compare")
		return
	}
	v.Members = []cache.VerifyMember{{Name: v.m.name(), ID: v.m.c.ID.String(), Digest: v.r.Digest().Root().String(), Elements: own.Size()}}
	v.gather()
	var all sync.WaitGroup
	found := make([]unlike, len(v.links))
	for i, l := range v.links {
		all.Go(func() { found[i] = v.compare(ctx, l) })
	}
	all.Wait()
	for i, f := range found {
		v.Members[1+i].Digest, v.Members[1+i].Elements = f.digest, f.elements
		if f.err != nil {
			v.lacking(&v.Members[1+i], f.err)
		}
		v.More = v.More || f.more
		for _, k := range f.keys {
			if v.suspects[k] = true; len(v.suspects) >= maxSuspects {
				v.More = true
				break
			}
		}
	}
	if len(v.suspects) > 0 && ctx.Err() == nil {
		v.question(ctx)
	}
	v.judge()
}

func (v *verifying) because(format string, args ...any) {
	v.Why = append(v.Why, fmt.Sprintf(format, args...))
}

func (v *verifying) lacking(m *cache.VerifyMember, err error) {
	m.Why = err.Error()
	v.because("%s could not be asked: %s", m.Name, m.Why)
}

// gather finds out who holds the region: who is linked, and who is not.
func (v *verifying) gather() {
	m := v.m
	var missing []cache.VerifyMember
	v.links, _ = m.holders(v.Region)
	known := map[cache.NodeID]bool{m.c.ID: true}
	for _, l := range v.links {
		known[l.peer.id] = true
		v.Members = append(v.Members, cache.VerifyMember{Name: l.peer.name(), ID: l.peer.id.String()})
	}
	for _, p := range m.c.Directory.Peers() {
		if known[p.ID] || !p.Receive || p.ID != 0 && m.elsewhere(p.ID, v.Region) {
			continue
		}
		name := p.Host + "/" + p.Service + "." + p.Endpoint
		if p.Service == "" {
			name = fmt.Sprint(p.Addrs)
		}
		missing = append(missing, cache.VerifyMember{Name: name, ID: p.ID.String(), Why: "it is not linked"})
		known[p.ID] = p.ID != 0
	}
	v.Members = append(v.Members, v.silent(known)...)
	for _, x := range missing {
		v.because("%s is not linked: what it holds is unknown; lateral mesh says why", x.Name)
	}
	v.Members = append(v.Members, missing...)
}

// silent are the members that discovery has forgotten, and that nobody knows to
// have ended: they may come back with what they hold.
func (v *verifying) silent(known map[cache.NodeID]bool) (out []cache.VerifyMember) {
	set, _, _, _ := v.m.frontier.Set()
	for _, s := range set {
		if known[s.ID] || s.Standing != converge.Counting || !s.Receives || v.m.elsewhere(s.ID, v.Region) {
			continue
		}
		x := cache.VerifyMember{Name: v.m.memberName(s.ID), ID: s.ID.String(), Why: "it is silent, and not known to have ended"}
		v.because("%s is silent: nobody knows whether it has ended", x.Name)
		out = append(out, x)
	}
	return out
}

// elsewhere reports whether a member is known not to hold a region's values.
func (m *Mesh) elsewhere(id cache.NodeID, region string) bool {
	m.mu.Lock()
	p := m.peers[id]
	m.mu.Unlock()
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shares != nil && p.shares[region] != replicates || p.active != nil && !p.active.peerHello.Receive
}

// memberName returns the name of a member that this node has heard of.
func (m *Mesh) memberName(id cache.NodeID) string {
	return cmp.Or(m.metName(id), "member "+id.String())
}

// metName is the name of a member that this node has met, else "".
func (m *Mesh) metName(id cache.NodeID) string {
	m.mu.Lock()
	p := m.peers[id]
	m.mu.Unlock()
	if p == nil {
		return ""
	}
	return p.knownName()
}

// knownName is name, "" if it has never been linked.
func (p *peer) knownName() string {
	p.mu.Lock()
	known := p.known.ID != 0
	p.mu.Unlock()
	if !known {
		return ""
	}
	return p.name()
}

// unlike is what a first look at a peer found.
type unlike struct {
	digest   string
	elements int
	keys     []string
	more     bool
	err      error
}

// compare finds the keys of which a peer holds something else.
func (v *verifying) compare(ctx context.Context, l *link) (c unlike) {
	c.more, c.err = v.piece(ctx, l, converge.All, &c)
	return c
}

// piece compares some buckets; more is whether too much differs to be found.
func (v *verifying) piece(ctx context.Context, l *link, g converge.Range, c *unlike) (more bool, err error) {
	d := v.r.Digest()
	p := part{v.r, g}
	for level := firstLevel; level != 0 && level <= maxLookLevel; level = nextLevel[level] {
		salt := uint64(0)
		if level > converge.KeptLevel || g != converge.All {
			salt = uint64(level) // what is equal by chance then is so once
		}
		ours := d.Sum(g)
		a, err := l.inspect(ctx, look{Kind: lookSum, Region: v.Region, From: g.From, To: g.To, Sum: [2]id{id(ours[0]), id(ours[1])}, Level: level, Salt: id(salt)})
		if err != nil {
			return false, err
		}
		if g == converge.All {
			c.digest, c.elements = converge.Sum{uint64(a.Sum[0]), uint64(a.Sum[1])}.String(), a.Elements
		}
		if len(a.Sketch) == 0 {
			return false, nil
		}
		cells := converge.Sketch(readWords(&scan{s: string(a.Sketch)}, converge.CellsOf(level)))
		if len(cells) != converge.CellsOf(level) {
			return false, fmt.Errorf("%w: a sketch of %d bytes", ErrProtocol, len(a.Sketch))
		}
		cells.Minus(p.sketch(level, salt))
		theirs, mine, ok := cells.Decode()
		if !ok {
			continue
		}
		if len(theirs)+len(mine) == 0 && salt == 0 {
			continue // it was under way; or two words are equal by chance
		}
		for _, e := range converge.Find(d, v.r, g, salt, mine, offered(v.m.c.Now())) {
			c.keys = append(c.keys, e.Key)
		}
		if len(theirs) == 0 {
			return false, nil
		}
		a, err = l.inspect(ctx, look{Kind: lookFind, Region: v.Region, From: g.From, To: g.To, Salt: id(salt), Words: appendWords(nil, theirs)})
		if err != nil {
			return false, err
		}
		for _, k := range a.Keys {
			c.keys = append(c.keys, string(k))
		}
		return a.More, nil
	}
	if g != converge.All {
		return true, nil
	}
	for _, g := range g.Split(maxPieces) {
		if len(c.keys) >= maxSuspects {
			return true, nil
		}
		m, err := v.piece(ctx, l, g, c)
		if more = more || m; err != nil {
			return more, err
		}
	}
	return more, nil
}

// judge says what all that amounts to.
func (v *verifying) judge() {
	slices.SortFunc(v.Differences, func(a, b cache.Difference) int { return cmp.Compare(a.Raw, b.Raw) })
	v.Total = len(v.Differences)
	v.Differences = v.Differences[:min(v.Total, cache.MaxDifferences)]
	switch {
	case v.Total > 0:
		v.Verdict = cache.Different
	case len(v.Why) > 0:
	case v.More:
		v.again = true
		v.because("more is being written at once than can be looked at: ask again when there is less")
	default:
		v.Verdict = cache.Equal
		if len(v.Members) == 1 {
			v.because("no other member is known")
		}
	}
	v.More = v.More && v.Total > 0
}
