// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"errors"
	"time"

	"lateral/cache"
	"lateral/changelog"
)

// give sends the elements that the peer lacks.
func (s *syncer) give(r Region, sc *scan) error {
	var keys []string
	for sc.s != "" && !sc.bad {
		keys = append(keys, sc.text(cache.MaxKey))
	}
	if err := sc.err(frameWant); err != nil {
		return err
	}
	return s.sendElements(r, keys)
}

// sendElements sends elements as they are by now. One that is over its
// lifetime, or that this node has only forgotten, is not sent.
func (s *syncer) sendElements(r Region, keys []string) error {
	now := s.l.m.c.Now().UnixMilli()
	p := appendText(nil, r.Name())
	empty := len(p)
	for _, k := range keys {
		e, shared := r.Lookup(k)
		c := cache.Change{Op: cache.Put, Element: e}
		switch {
		case !shared || e.State == cache.Forgotten:
			continue
		case e.State == cache.Floor:
			op, name, _ := cache.SplitFloor(k)
			c.Op, c.Element.Key = op, name
		case e.State == cache.Tombstone:
			c.Op = cache.Remove
		case e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now):
			continue
		}
		if len(p) > empty && len(p)+len(c.Element.Key)+len(e.Value.Bytes) > syncFrameSize {
			if err := s.send(frameElements, p); err != nil {
				return err
			}
			p = appendText(nil, r.Name())
		}
		p = changelog.Append(p, &c, 0, 0)
		s.l.m.syncedOut(r.Name(), 1)
	}
	if len(p) == empty {
		return nil
	}
	return s.send(frameElements, p)
}

// applyElements merges what a sync brought. It runs in the read loop, so that
// a sync can never fill a queue.
func (l *link) applyElements(s *scan) error {
	name := s.text(cache.MaxRegion)
	if err := s.err(frameElements); err != nil {
		return err
	}
	l.m.counters.syncBytesIn.Add(int64(len(s.s)))
	l.syncHeard.Store(time.Now().UnixNano())
	r, ok := l.m.c.Region(name)
	if !ok {
		return nil
	}
	now := l.m.c.Now().UnixMilli()
	for rest := s.s; rest != ""; {
		c, _, more, err := changelog.Decode(rest, 0, r.Attributes())
		if err != nil {
			return errors.Join(ErrProtocol, err)
		}
		rest = more
		l.m.syncedIn(name, 1)
		l.apply(now, r, &c, cache.FromSync)
	}
	return nil
}
