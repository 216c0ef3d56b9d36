// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// tellPut lets the auxiliaries know of a put. It reports what peers were sent:
// the value, if any lateral took it.
func (r *Region) tellPut(c *cache.Command, h *held, replaced cache.Stamp) Sending {
	sent := Nothing
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		what := Fanout(c.Origin, b.Kind, c.Op, h.Attr, b.Gates)
		if b.Kind == cache.Disk && r.own(c.Origin, h.Attr) {
			continue // see supersede
		}
		switch what {
		case TheValue:
			b.Aux.Note(cache.Change{Op: cache.Put, Region: r.s.Name, Element: h.Element, Replaced: replaced, More: c.More})
		case TheRemoval:
			ch := r.removal(cache.Remove, h.Key, h.Stamp)
			if ch.More = c.More; c.Op != cache.Update {
				ch.Hash = valueHash(&h.Value)
			}
			b.Aux.Note(ch)
		default:
			if b.Kind == cache.RemoteTier && c.Origin == cache.Application && b.UseRemote { // what it has is older, and void
				b.Aux.Note(cache.Change{Op: cache.Put, Region: r.s.Name, Element: cache.Element{Key: h.Key, Stamp: h.Stamp, State: cache.Forgotten}})
			}
		}
		if b.Kind == cache.Lateral && what != Nothing && sent != TheValue {
			sent = what
		}
	}
	return sent
}

// tellRemove lets the auxiliaries know of a removal.
func (r *Region) tellRemove(c *cache.Command, op cache.Op, key string, s cache.Stamp) {
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		if Fanout(c.Origin, b.Kind, op, r.attr, b.Gates) == TheRemoval {
			ch := r.removal(op, key, s)
			if b.Kind == cache.Disk && r.own(c.Origin, r.attr) {
				ch.Element.State = cache.Forgotten
			}
			ch.Hash, ch.More = c.Hash, c.More
			ch.Element.Value = c.Value // of a removal: the version, see VersionValue
			b.Aux.Note(ch)
		} else if b.Kind == cache.RemoteTier && fromPeer(c.Origin) {
			ch := r.removal(op, key, s) // the peer writes it, but may not have yet
			ch.Element.State = cache.Forgotten
			b.Aux.Note(ch)
		}
	}
}

// own reports whether a change of a replicated region concerns this node alone.
// None of that is kept on disk: from there it would be told to peers.
func (r *Region) own(o cache.Origin, a *cache.Attributes) bool {
	return r.mode == Replicate && (o == cache.LocalOnly || !a.Lateral)
}

// supersede has the disks that were not told of a new value forget what they
// have of older ones: these must not come back when memory lets go of the new
// one, or the node ends. It is called once memory holds the new one.
func (r *Region) supersede(c *cache.Command, h *held) {
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		if b.Kind == cache.Disk && c.Origin != cache.FromDisk && (r.own(c.Origin, h.Attr) || Fanout(c.Origin, b.Kind, c.Op, h.Attr, b.Gates) != TheValue) {
			b.Aux.Note(cache.Change{Op: cache.Put, Region: r.s.Name, Element: cache.Element{Key: h.Key, Stamp: h.Stamp, State: cache.Forgotten}})
		}
	}
}

// tellDisks lets the disks know that elements left memory for good: expired,
// or dropped because they may be stale. Neither that version nor an older one
// must come back from there. It is no removal: peers may hold them.
func (r *Region) tellDisks(op cache.Op, key string, s cache.Stamp) {
	for i := range r.s.Auxiliaries {
		if b := &r.s.Auxiliaries[i]; b.Kind == cache.Disk {
			ch := r.removal(op, key, s)
			ch.Element.State = cache.Forgotten
			b.Aux.Note(ch)
		}
	}
}

// tellDisksLate lets the disks know of a removal that is news to nobody but
// perhaps to them.
func (r *Region) tellDisksLate(op cache.Op, key string, s cache.Stamp) {
	r.Forget(s.Time)
	for i := range r.s.Auxiliaries {
		if b := &r.s.Auxiliaries[i]; b.Kind == cache.Disk {
			b.Aux.Note(r.removal(op, key, s))
		}
	}
}

// spool hands the disks an element that memory has no room for.
func (r *Region) spool(h *held) {
	if h.State != cache.Live || r.mode == Replicate && (!h.shared || h.under != nil) {
		return // see own
	}
	for i := range r.s.Auxiliaries {
		if b := &r.s.Auxiliaries[i]; Spools(b.Kind, h.Attr, b.Gates) || b.Kind == cache.Disk && h.Attr.Spool && r.doubted.Load() > 0 {
			b.Aux.Note(cache.Change{Op: cache.Put, Region: r.s.Name, Element: h.Element})
		}
	}
}

func (r *Region) removal(op cache.Op, key string, s cache.Stamp) cache.Change {
	return cache.Change{Op: op, Region: r.s.Name, Element: cache.Element{Key: key, Stamp: s, State: cache.Tombstone}}
}

// evicted is told by memory of an element over capacity.
func (r *Region) evicted(h held) {
	r.undigest(&h)
	if h.Stamp.Time > max(r.doubted.Load(), r.unseen.Load()) { // else it comes late, and what replaced it may have come and gone
		r.spool(&h)
	}
	r.hearGone(cache.Evicted, &h)
	r.bury(&h)
	if r.mode == Replicate && !h.known().IsZero() && !r.pushed.Load() {
		r.pushed.Store(true)
	}
}

// redigest keeps the digest in step with memory when h takes the place of prev.
func (r *Region) redigest(prev, h *held) {
	old, now := prev.known(), h.known()
	if old == now {
		return
	}
	switch {
	case old.IsZero():
		r.digest.Add(h.Key, now)
	case now.IsZero():
		r.digest.Remove(h.Key, old)
	default:
		r.digest.Replace(h.Key, old, now)
	}
}

func (r *Region) undigest(h *held) {
	if s := h.known(); !s.IsZero() {
		r.digest.Remove(h.Key, s)
	}
}

// ValueHash is the hash that a removal sent in place of a put carries, so that
// a peer that holds the same value need not drop it. It is never 0.
func ValueHash(value string) uint64 { return hashOf(value, 0) | 1 }

// valueHash is 0, which is never compared, for a Go value whose bytes nobody
// has asked for yet: all of these would look alike.
func valueHash(v *cache.Value) uint64 {
	if v.Held != nil && v.Bytes == "" {
		return 0
	}
	return ValueHash(v.Bytes)
}
