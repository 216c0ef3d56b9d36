// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lateral/cache"
)

// maxSurveyed bounds each list of what a peer says in a survey.
const maxSurveyed = 4096

var errNoSurvey = errors.New("it takes part in no survey")

// Survey has every member send, listen and dial at one time, and returns what
// each says: over links, and of members without a link to us over one that has
// one. It lasts as long as Config.Survey does and some round trips more; who
// does not answer in that time is said to be unreached.
func (m *Mesh) Survey(ctx context.Context) cache.Survey {
	out := cache.Survey{Cluster: m.c.Cluster, Group: m.c.Group, At: m.c.Now().UTC()}
	out.Members = append(out.Members, cache.Surveyed{Party: party(m.self, ""), ID: m.c.ID.String(), Receive: m.c.Receive, Asked: "self"})
	var ask []func() (*cache.Surveyed, error)
	ask = append(ask, func() (*cache.Surveyed, error) { return m.surveyed(ctx, 0) })
	known := map[cache.NodeID]bool{m.c.ID: true, 0: true}
	for _, p := range m.linked() {
		l := p.link()
		if l == nil {
			continue
		}
		known[p.id] = true
		out.Members = append(out.Members, cache.Surveyed{Party: l.party(), ID: p.id.String(), Receive: l.peerHello.Receive, Asked: "link"})
		ask = append(ask, func() (*cache.Surveyed, error) { return l.survey(ctx, 0) })
	}
	for _, p := range m.c.Directory.Peers() {
		if known[p.ID] && p.ID != 0 {
			continue
		}
		known[p.ID] = true
		s := cache.Surveyed{Party: cache.Party{Host: p.Host, Service: p.Service, Endpoint: p.Endpoint, PID: p.PID}, Receive: p.Receive}
		if len(p.Addrs) > 0 {
			s.Addr = p.Addrs[0]
		}
		if p.ID != 0 {
			s.ID = p.ID.String()
		}
		relay := m.relayTo(p.ID)
		if relay != nil {
			s.Asked = relay.peer.name()
		}
		out.Members = append(out.Members, s)
		ask = append(ask, func() (*cache.Surveyed, error) {
			if relay == nil {
				return nil, m.whyNot(p)
			}
			return relay.survey(ctx, p.ID)
		})
	}
	var all sync.WaitGroup
	for i, f := range ask {
		all.Go(func() { out.Members[i].Take(f()) })
	}
	all.Wait()
	rest := out.Members[1:]
	slices.SortFunc(rest, func(a, b cache.Surveyed) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Addr, b.Addr))
	})
	return out
}

// relayTo returns the link of a peer that has one with a member, by its row.
func (m *Mesh) relayTo(of cache.NodeID) *link {
	if of == 0 {
		return nil
	}
	for _, p := range m.linked() {
		if l := p.link(); l != nil && slices.Contains(p.matrixRow().Up, of.String()) {
			return l
		}
	}
	return nil
}

// whyNot says why a member can't be asked.
func (m *Mesh) whyNot(p Peer) error {
	reasons := m.reasons()
	why := reasons[p.ID.String()]
	for _, a := range p.Addrs {
		why = cmp.Or(why, reasons[a])
	}
	return errors.New(cmp.Or(why, "there is no link with it, and nobody linked has one"))
}

// survey asks a peer for its own word, or for that of a member linked with it.
func (l *link) survey(ctx context.Context, of cache.NodeID) (*cache.Surveyed, error) {
	a, err := l.inspect(ctx, look{Kind: lookSurvey, Of: id(of)})
	switch {
	case err != nil:
		return nil, err
	case a.Survey == nil:
		return nil, errNoSurvey
	}
	return tidied(a.Survey), nil
}

// surveyed answers a survey: from this endpoint, or from a linked member.
func (m *Mesh) surveyed(ctx context.Context, of cache.NodeID) (*cache.Surveyed, error) {
	if of != 0 && of != m.c.ID {
		m.mu.Lock()
		p := m.peers[of]
		m.mu.Unlock()
		if p == nil {
			return nil, errGone
		}
		if l := p.link(); l != nil {
			return l.survey(ctx, 0)
		}
		return nil, errGone
	}
	if m.c.Survey == nil {
		return nil, errNoSurvey
	}
	s := m.c.Survey(ctx)
	s.Regions, s.Skew = map[string]string{}, map[string]time.Duration{}
	for _, r := range m.c.Regions() {
		s.Regions[r.Name()] = r.Mode().String()
	}
	for _, p := range m.linked() {
		s.Linked = append(s.Linked, p.id.String())
		s.Skew[p.id.String()] = time.Duration(p.skew.Load())
	}
	slices.Sort(s.Linked)
	return &s, nil
}

// tidied bounds what a peer says, and makes its texts fit to be printed.
func tidied(s *cache.Surveyed) *cache.Surveyed {
	s.Interfaces = s.Interfaces[:min(len(s.Interfaces), maxSurveyed)]
	for i := range s.Interfaces {
		x := &s.Interfaces[i]
		x.Name, x.Addr, x.Reason = clean(x.Name, maxReason), clean(x.Addr, maxReason), clean(x.Reason, maxReason)
	}
	s.Heard = s.Heard[:min(len(s.Heard), maxSurveyed)]
	for i := range s.Heard {
		x := &s.Heard[i]
		x.ID, x.Interface, x.From = clean(x.ID, maxReason), clean(x.Interface, maxReason), clean(x.From, maxReason)
	}
	s.Reached = s.Reached[:min(len(s.Reached), maxSurveyed)]
	for i := range s.Reached {
		x := &s.Reached[i]
		x.ID, x.Addr, x.Local, x.Why = clean(x.ID, maxReason), clean(x.Addr, maxReason), clean(x.Local, maxReason), clean(x.Why, maxReason)
	}
	regions := map[string]string{}
	for name, mode := range s.Regions {
		if len(regions) < maxSurveyed {
			regions[clean(name, maxReason)] = clean(mode, maxReason)
		}
	}
	s.Regions = regions
	return s
}
