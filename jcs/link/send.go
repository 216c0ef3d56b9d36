// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"

	"lateral/cache"
	"lateral/changelog"
	"lateral/javaser"
	"lateral/jcs"
)

// batch is up to how many bytes of a stream are written at once. Frames are
// written one by one.
const batch = 64 << 10

// errNoTags: JCS knows keys and groups only.
var errNoTags = errors.New("the protocol has no tags")

// changes writes records of the log. A change that the peer's generation can't
// be told is counted and left out.
func (s *session) changes(ctx context.Context, f *feed, records string, seq uint64) error {
	names := f.log.Names(0)
	var buf []byte
	for ; records != ""; seq++ {
		c, region, rest, err := changelog.Decode(records, f.log.Owner(), &cache.DefaultAttributes)
		if err != nil {
			return err
		}
		records = rest
		if region >= uint64(len(names)) || !s.shares(names[region]) {
			s.skip(f, seq, len(buf))
			continue
		}
		c.Region = names[region]
		m, err := s.l.message(s.g, &c)
		var b []byte
		if err == nil {
			b, err = s.w.Encode(m)
		}
		if err != nil {
			s.l.untold(f.from, s.g, c.Region, c.Element.Key, err)
			if errors.Is(err, errNoTags) {
				s.l.tagged.Do(func() {
					s.l.c.Logger.Warn("jcs: Java nodes keep what the removal of a tag removes elsewhere: their protocol has none; this is logged once, jcs_untold counts on",
						"addr", s.addr, "region", c.Region, "tag", c.Element.Key)
				})
				s.skip(f, seq, len(buf))
				continue
			}
			s.l.warn("a change can't be told to a Java node", "addr", s.addr, "region", c.Region, "key", cache.KeyText(c.Element.Key), "cause", err)
			s.skip(f, seq, len(buf))
			continue
		}
		s.l.counters.sent.Add(1)
		if f.from != "" {
			s.l.relayedTo(f.from, s.g, c.Region, c.Element.Key, c.Element.Value)
		}
		if s.g.Framed {
			if err := s.put(ctx, b, f, seq); err != nil {
				return err
			}
			continue
		}
		if buf = append(buf, b...); len(buf) >= batch || records == "" {
			if err := s.put(ctx, buf, f, seq); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	if len(buf) > 0 {
		return s.put(ctx, buf, f, seq-1)
	}
	return nil
}

// skip passes over a change that the peer is not told, and that counts as
// arrived with those before it.
func (s *session) skip(f *feed, seq uint64, waiting int) {
	switch n := len(s.flight); {
	case waiting > 0: // what is written next carries its number, or a later one
	case n == 0:
		s.arrived(f, seq)
	default:
		s.flight = append(s.flight, flight{s.written, f, seq})
	}
}

// send writes one message of ours.
func (s *session) send(m *jcs.Message) error {
	m.Gen = s.g
	b, err := s.w.Encode(m)
	if err != nil {
		return err
	}
	return s.put(context.Background(), b, nil, 0)
}

// message is a change in the words of a generation.
func (l *Links) message(g *jcs.Generation, c *cache.Change) (*jcs.Message, error) {
	m := &jcs.Message{Gen: g, Op: jcs.Remove, Requester: l.c.Requester, Hash: jcs.NoHash, Element: jcs.Element{Region: c.Region}}
	var err error
	switch c.Op {
	case cache.Put:
		m.Op = jcs.Update
		m.Attr = jcs.AttributesOf(&c.Element)
		if m.Value, err = jcs.Java(c.Element.Value); err == nil {
			m.Key, err = g.JavaKey(c.Region, c.Element.Key)
		}
		if m.Value == nil { // Java's null, which JCS takes for nothing: a put of it is refused there
			m.Op, m.Attr = jcs.Remove, nil
		}
	case cache.RemoveAll:
		m.Op = jcs.RemoveAll
		m.Key = &javaser.String{S: "ALL"} // which is what JCS writes
	case cache.RemoveTag:
		err = errNoTags
	case cache.RemoveGroup:
		m.Key = g.JavaGroup(c.Region, c.Element.Key)
	default:
		m.Key, err = g.JavaKey(c.Region, c.Element.Key)
		if c.Hash != 0 {
			m.Hash = l.hash(c)
		}
	}
	return m, err
}

// hash is the Java hash of the value that is held by now, if there is one: the
// log has only our own hash of what was put. Whoever has that very value need
// not drop it, whether it is of this put or of a later one.
func (l *Links) hash(c *cache.Change) int32 {
	if r, ok := l.c.Region(c.Region); ok {
		if e, ok := r.Get(l.c.Now().UnixMilli(), c.Element.Key); ok {
			if h, ok := jcs.Hash(e.Value); ok {
				return h
			}
		}
	}
	return jcs.NoHash
}
