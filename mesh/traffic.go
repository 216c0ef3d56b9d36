// SPDX-License-Identifier: Apache-2.0

package mesh

// Traffic is what syncs of a region have moved since the start, by all links.
type Traffic struct {
	Syncs                   uint64 // comparisons that this node asked for
	ElementsIn, ElementsOut uint64
	BytesIn, BytesOut       uint64 // of frames, those of elements included
	Last                    uint64 // bytes both ways of the last sync that this node asked for and that found a difference
}

// Synced returns what syncs of a region have moved.
func (m *Mesh) Synced(region string) Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.synced[region]; t != nil {
		return *t
	}
	return Traffic{}
}

// moved counts a part of a sync.
func (m *Mesh) moved(region string, t Traffic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.synced[region]
	if c == nil {
		if len(m.synced) >= maxNames {
			return
		}
		c = new(Traffic)
		m.synced[region] = c
	}
	c.Syncs += t.Syncs
	c.ElementsIn += t.ElementsIn
	c.ElementsOut += t.ElementsOut
	c.BytesIn += t.BytesIn
	c.BytesOut += t.BytesOut
	if t.Last > 0 {
		c.Last = t.Last
	}
}

// sent counts a frame of a sync, received one that came: t tells which side
// of a sync says it, and so which of the two that a link may have it is of.
func (s *syncer) sent(t frameType, n int) {
	s.l.m.counters.syncBytesOut.Add(int64(headerSize + n))
	if r := s.subject(t, false); r != nil {
		s.l.m.moved(r.Name(), Traffic{BytesOut: uint64(headerSize + n)})
	}
}

func (s *syncer) received(t frameType, n int) {
	s.l.m.counters.syncBytesIn.Add(int64(headerSize + n))
	if r := s.subject(t, true); r != nil {
		s.l.m.moved(r.Name(), Traffic{BytesIn: uint64(headerSize + n)})
	}
}

// subject returns the region that a frame of a sync is about, nil if none.
func (s *syncer) subject(t frameType, heard bool) Region {
	switch t {
	case frameSame, frameCells, frameKeys, frameNext, frameShare, frameLater:
		heard = !heard // said by the answerer
	case frameRoot, frameWhich, frameOn, frameWant, frameFill:
	default:
		return nil // elements are counted with their region
	}
	switch {
	case heard && s.theirs != nil:
		return s.theirs.r
	case !heard && s.ours != nil:
		return s.ours.r
	}
	return nil
}

// over ends our sync and says what it took.
func (s *syncer) over() {
	o := s.ours
	s.ours = nil
	if o.mine == nil {
		return // nothing differed
	}
	now := s.l.m.Synced(o.r.Name())
	bytes := now.BytesIn + now.BytesOut - o.before.BytesIn - o.before.BytesOut
	s.l.m.moved(o.r.Name(), Traffic{Last: bytes})
	s.l.m.c.Logger.Debug("synced", "region", o.r.Name(), "peer", s.l.name(), "bytes", bytes, "received", now.ElementsIn-o.before.ElementsIn, "sent", now.ElementsOut-o.before.ElementsOut)
}
