// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"errors"
	"time"

	"lateral/cache"
	"lateral/changelog"
)

// sendElements sends elements as they are by now. One that is over its
// lifetime, or that this node has only forgotten, is not sent.
func (s *syncer) sendElements(r Region, keys []string) error {
	now := s.l.m.c.Now().UnixMilli()
	p := appendText(nil, r.Name())
	empty, n := len(p), uint64(0)
	flush := func() error {
		s.l.m.moved(r.Name(), Traffic{ElementsOut: n, BytesOut: uint64(headerSize + len(p))})
		n = 0
		return s.send(frameElements, p)
	}
	for _, k := range keys {
		e, shared := r.Shared(k)
		c := cache.Change{Op: cache.Put, Element: e}
		switch {
		case !shared || e.State == cache.Forgotten:
			continue
		case e.State == cache.Floor:
			c = floorChange(e)
		case e.State == cache.Tombstone:
			c.Op = cache.Remove
			if fl, ok := r.(floored); ok {
				for _, f := range fl.Covering(k, e.Attr.Tags, e.Stamp) {
					above := floorChange(f)
					p = changelog.Append(p, &above, 0, 0)
					n++
				}
			}
		case e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now):
			continue
		}
		if len(p) > empty && len(p)+len(c.Element.Key)+len(e.Value.Bytes) > syncFrameSize {
			if err := flush(); err != nil {
				return err
			}
			p = appendText(nil, r.Name())
		}
		p = changelog.Append(p, &c, 0, 0)
		n++
	}
	if len(p) == empty {
		return nil
	}
	return flush()
}

// floored is a region with removals of many, whose traces must not travel
// without them (region.Covering).
type floored interface {
	Covering(key, tags string, s cache.Stamp) []cache.Element
}

func floorChange(e cache.Element) cache.Change {
	op, name, _ := cache.SplitFloor(e.Key)
	e.Key = name
	return cache.Change{Op: op, Element: e}
}

// applyElements merges what a sync brought. It runs in the read loop, so that
// a sync can never fill a queue.
func (l *link) applyElements(s *scan) error {
	size := headerSize + len(s.s)
	name := s.text(cache.MaxRegion)
	if err := s.err(frameElements); err != nil {
		return err
	}
	l.m.counters.syncBytesIn.Add(int64(size))
	l.syncHeard.Store(time.Now().UnixNano())
	r, ok := l.m.c.Region(name)
	if !ok {
		return nil
	}
	now, n := l.m.c.Now().UnixMilli(), uint64(0)
	defer func() {
		l.m.moved(name, Traffic{ElementsIn: n, BytesIn: uint64(size)})
		l.m.fills.progress(l, name, 0, n)
	}()
	for rest := s.s; rest != ""; {
		c, _, more, err := changelog.Decode(rest, 0, r.Attributes())
		if err != nil {
			return errors.Join(ErrProtocol, err)
		}
		rest = more
		n++
		l.apply(now, r, &c, cache.FromSync)
	}
	return nil
}
