// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

func (c *cluster) ctx() context.Context { return context.Background() }

// maxBroken bounds how many broken promises a run tells of: one leads to more.
const maxBroken = 20

// breaks notes a promise that was not kept; c.mu is not held.
func (c *cluster) breaks(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.breaksLocked(format, args...)
}

func (c *cluster) breaksLocked(format string, args ...any) {
	if len(c.broken) < maxBroken {
		c.broken = append(c.broken, fmt.Sprintf(format, args...))
	}
}

// A sight is what a life was last seen to hold under a key.
type sight struct {
	live cache.Stamp // the newest value seen there
	gone cache.Stamp // a value of this stamp was there, and later none: whatever is older stays away
}

func (l *life) sightOf(region, key string) *sight {
	s := l.seen[region+" "+key]
	if s == nil {
		s = &sight{}
		l.seen[region+" "+key] = s
	}
	return s
}

// noteLive judges a value seen on a node: it must not be older than what the
// node was seen to hold, or to have removed, before the look began.
func (c *cluster) noteLive(l *life, region, key string, at cache.Stamp, before sight, began time.Duration) {
	s := l.sightOf(region, key)
	switch {
	case (at.Before(before.live) || at.Compare(before.gone) <= 0) && c.forgotten(region, key, at, before):
	case at.Before(before.live):
		c.breaksLocked("never back: %s holds %s of %s at %s, after %s", l, key, region, at, before.live)
	case at.Compare(before.gone) <= 0:
		c.breaksLocked("no resurrection: %s holds %s of %s at %s again, which was gone there", l, key, region, at)
	}
	for _, o := range c.ops {
		removes := o.Verb == "remove" || o.Verb == "clear"
		if removes && o.life == l && o.region() == region && o.done && o.ret != 0 && o.ret < began && covers(o.key(), key) && at.Before(o.stamp) && !c.strangers(region, key, at, o) {
			c.breaksLocked("no resurrection: %s holds %s of %s at %s, and had removed it: %s", l, key, region, at, o)
		}
	}
	if s.live.Before(at) {
		s.live = at
	}
}

func (c *cluster) noteAbsent(l *life, region, key string, before sight) {
	if s := l.sightOf(region, key); region != "Top" && s.gone.Before(before.live) {
		s.gone = before.live
	}
}

// look notes what every node holds of replicated regions.
func (c *cluster) look() {
	for _, l := range c.alive() {
		for _, region := range c.p.Set.Regions {
			if !replicated(region) {
				continue
			}
			c.mu.Lock()
			began, before := c.now(), map[string]sight{}
			for k, s := range l.seen {
				if key, ok := strings.CutPrefix(k, region+" "); ok {
					before[key] = *s
				}
			}
			c.mu.Unlock()
			held := c.contents(l, region)
			c.mu.Lock()
			for i := range held {
				key := cache.KeyText(held[i].Key)
				c.noteLive(l, region, key, held[i].Stamp, before[key], began)
				c.trace.add(fmt.Sprint(began, l, key, held[i].Stamp))
				delete(before, key)
			}
			for key, s := range before {
				c.noteAbsent(l, region, key, s)
			}
			c.mu.Unlock()
		}
	}
}

// judgeOp judges what an application was answered; c.mu is held.
func (c *cluster) judgeOp(o *Op) {
	if o.err != nil || !o.done {
		return
	}
	switch {
	case o.region() == "Str":
	case o.region() == "Inv":
		if o.found {
			c.judgeServed(o)
		}
	case o.Verb == "take" && o.found:
		if s := o.life.sightOf(o.region(), o.key()); s.gone.Before(o.stamp) {
			s.gone = o.stamp
		}
	case o.Verb == "take":
	case o.Verb == "get" && o.found:
		c.noteLive(o.life, o.region(), o.key(), o.stamp, o.before, o.call)
	case o.Verb == "get":
		c.noteAbsent(o.life, o.region(), o.key(), o.before)
	case o.Verb == "put":
		if s := o.life.sightOf(o.region(), o.key()); s.live.Before(o.stamp) {
			s.live = o.stamp
		}
	}
}

// judgeAcked wants as many peers to hold a write as have acknowledged it, or
// something newer, as soon as it returns. Who has ended since may have been one.
func (c *cluster) judgeAcked(o *Op) {
	want := c.acked(o)
	if want == 0 || o.region() == "Top" || o.many() {
		return // pushed out, perhaps
	}
	if have := c.holders(o, o.call, o.ret); have < want {
		c.breaks("acknowledged: %d of %d peers hold what was written by %s", have, want, o)
	}
}

// judgeHanded wants the sessions of a node that has shut down to be held by as
// many others as Acks says.
func (c *cluster) judgeHanded(l *life) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range c.keys("Ses") {
		o := c.newest("Ses", key, func(o *Op) bool { return o.life == l && o.ret != 0 && !o.many() })
		if o == nil {
			continue
		}
		c.mu.Unlock()
		have := c.holders(o, l.ended, l.left)
		c.mu.Lock()
		want := c.p.survives()
		if o.Verb != "put" { // a removal that all members have is forgotten, and needs no more of them
			want = min(want, c.others(l))
		}
		if have < want {
			c.breaksLocked("handed over: %d of %d peers hold what %s wrote before it left: %s", have, want, l, o)
		}
	}
}

// others counts who lived beside a life when it ended; c.mu is held.
func (c *cluster) others(l *life) (n int) {
	for _, o := range c.lives {
		if o != l && o.began <= l.ended && (o.ended == 0 || o.ended >= l.ended) {
			n++
		}
	}
	return n
}

// holders counts the peers that hold a write, or something newer, and those
// that may have while they lived between two times.
func (c *cluster) holders(o *Op, from, to time.Duration) (have int) {
	var ask []*life
	c.mu.Lock()
	for _, l := range c.lives {
		switch {
		case l == o.life:
		case l.ended == 0:
			ask = append(ask, l)
		case l.lost(from) && l.began <= to:
			have++
		}
	}
	c.mu.Unlock()
	for _, l := range ask {
		rep, err := l.node.Do(c.ctx(), cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: o.region(), Key: keyOf(o.key())})
		if err == nil && rep.Found && !rep.Element.Stamp.Before(o.stamp) {
			have++
		} else if err == nil && !rep.Found && (o.Verb != "put" || c.excusedNow(o)) {
			have++
		}
	}
	return have
}

// excusedNow reports whether something has removed a put since, or may have.
func (c *cluster) excusedNow(o *Op) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.ops {
		if r.ret == 0 && (r.Verb == "remove" || r.Verb == "clear") && r.region() == o.region() && covers(r.key(), o.key()) {
			return true
		}
	}
	return c.excused(o.region(), o.key(), o)
}

// judge judges what is held in the end.
func (c *cluster) judge() {
	c.look()
	for _, region := range c.p.Set.Regions {
		if replicated(region) {
			for _, l := range c.alive() {
				c.judgeHeld(l, region)
			}
		}
	}
	if c.p.has("Inv") {
		c.judgeKept()
	}
	if c.p.has("Ses") {
		c.judgeSessions()
	}
	if c.p.has("Str") {
		c.judgeStrict()
	}
}

// judgeHeld compares what a node holds of a replicated region with what was
// written.
func (c *cluster) judgeHeld(l *life, region string) {
	held := map[string]cache.Element{}
	for _, e := range c.contents(l, region) {
		held[cache.KeyText(e.Key)] = e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if region == "Top" && len(held) > c.p.Set.Bound {
		c.breaksLocked("bound: %s holds %d elements of Top", l, len(held))
	}
	for _, key := range c.keys(region) {
		must := c.newest(region, key, c.sure)
		e, ok := held[key]
		delete(held, key)
		if ok {
			c.judgeValue(l, region, key, e, must)
		} else if must != nil && must.Verb == "put" && !c.excused(region, key, must) {
			c.breaksLocked("no loss: %s holds nothing as %s of %s; written was %s", l, key, region, must)
		}
	}
	for key := range held {
		c.breaksLocked("invented: %s holds %s of %s, which nobody wrote", l, key, region)
	}
}

// strangers reports whether a removal was made by a node that had not met the
// writer of the value at the time, nor expected it. That removal is forgotten
// when all have it that the remover knew of: not promised, see
// docs/coherence.md. What capacity may have pushed out is removed, too.
func (c *cluster) strangers(region, key string, value cache.Stamp, removal *Op) bool {
	if removal.Verb == "put" && !(region == "Top" && c.excused(region, key, removal)) {
		return false
	}
	for _, o := range c.ops {
		if o.Verb == "put" && o.region() == region && o.key() == key && o.stamp == value {
			return o.life != removal.life && !c.hadMet(o.life, removal.life, removal.ret)
		}
	}
	return false
}

// forgotten reports whether what was seen under a key was removed by a stranger
// to the writer of an older value, which may come in when the two meet.
func (c *cluster) forgotten(region, key string, value cache.Stamp, before sight) bool {
	return slices.ContainsFunc(c.ops, func(o *Op) bool {
		if o.Verb == "put" {
			return o.region() == region && o.key() == key && o.stamp == before.live && c.strangers(region, key, value, o)
		}
		return (o.Verb == "remove" || o.Verb == "clear") && o.region() == region && covers(o.key(), key) &&
			before.live.Before(o.stamp) && before.gone.Before(o.stamp) && c.strangers(region, key, value, o)
	})
}

func (c *cluster) judgeValue(l *life, region, key string, e cache.Element, must *Op) {
	if must != nil && e.Stamp.Before(must.stamp) && !c.strangers(region, key, e.Stamp, must) && !c.cameIn(region, key, e.Stamp, must) {
		promise := "no loss"
		if must.Verb != "put" {
			promise = "no resurrection"
		}
		c.breaksLocked("%s: %s holds %s of %s at %s; there was %s", promise, l, key, region, e.Stamp, must)
	}
	for _, o := range c.ops {
		if o.Verb == "put" && o.region() == region && o.stamp == e.Stamp && o.key() == key && padded(o.value) == e.Value.Bytes {
			return
		}
	}
	c.breaksLocked("invented: %s holds %.20q at %s as %s of %s, which nobody wrote", l, e.Value.Bytes, e.Stamp, key, region)
}

// cameIn reports whether what had to survive may have been removed by a stranger to
// the writer of an older value, even if that removal itself did not have to survive.
func (c *cluster) cameIn(region, key string, value cache.Stamp, must *Op) bool {
	return c.newest(region, key, func(o *Op) bool {
		return o.Verb != "put" && must.stamp.Before(o.stamp) && c.strangers(region, key, value, o)
	}) != nil
}

// excused reports whether a put that had to survive may be missing: something
// removed it, or it has no room.
func (c *cluster) excused(region, key string, put *Op) bool {
	removed := c.newest(region, key, func(o *Op) bool { return o.Verb != "put" })
	if removed != nil && put.stamp.Before(removed.stamp) || c.takers(region, key) {
		return true
	}
	if region != "Top" {
		return false
	}
	newer := 0
	for _, k := range c.keys(region) {
		if o := c.newest(region, k, func(o *Op) bool { return o.key() == k }); o != nil && put.stamp.Before(o.stamp) {
			newer++
		}
	}
	return newer >= c.p.Set.Bound
}

// takers reports whether anybody tried to take a key: who was refused may have
// removed it all the same.
func (c *cluster) takers(region, key string) bool {
	return slices.ContainsFunc(c.ops, func(o *Op) bool { return o.Verb == "take" && o.region() == region && o.key() == key })
}

// newest returns the op with the largest stamp of those that count for a key.
func (c *cluster) newest(region, key string, counts func(*Op) bool) (best *Op) {
	for _, o := range c.ops {
		if o.writes() && o.region() == region && covers(o.key(), key) && (best == nil || best.stamp.Before(o.stamp)) && counts(o) {
			best = o
		}
	}
	return best
}

// many reports whether the op means more than one key.
func (o *Op) many() bool {
	return o.key() == "" || strings.HasSuffix(o.key(), ":") || strings.HasSuffix(o.key(), "/")
}

func (o *Op) writes() bool {
	return !o.stamp.IsZero() && (o.Verb == "put" || o.Verb == "remove" || o.Verb == "clear")
}

// keys returns the keys that anybody wrote or removed by themselves, in the
// words of stories: a tombstone takes room, too.
func (c *cluster) keys(region string) (out []string) {
	known := map[string]bool{}
	for _, o := range c.ops {
		if (o.Verb == "put" || o.Verb == "remove" && !o.many()) && o.region() == region && !known[o.key()] {
			known[o.key()] = true
			out = append(out, o.key())
		}
	}
	return out
}

// sure reports whether a write had to survive.
func (c *cluster) sure(o *Op) bool {
	if o.life.ended == 0 {
		return true
	}
	if k := c.acked(o); k > 0 {
		ended := 0
		for _, l := range c.lives {
			if l.lost(o.call) && l.began <= o.ret {
				ended++
			}
		}
		if ended <= k {
			return true
		}
	}
	if o.life.handed && o.region() == "Ses" && o.ret != 0 {
		ended := 0
		for _, l := range c.lives {
			if l != o.life && l.lost(o.life.ended) && l.began <= o.life.left {
				ended++
			}
		}
		if ended < c.p.survives() {
			return true
		}
	}
	for _, l := range c.lives {
		if l.ended == 0 && o.Verb == "put" && l.seen[o.region()+" "+o.key()] != nil && !l.sightOf(o.region(), o.key()).live.Before(o.stamp) {
			return true
		}
	}
	return false
}

// acked is how many peers are known to have had a write when it returned.
func (c *cluster) acked(o *Op) int {
	want := cache.NoAcks
	if o.region() == "Ses" {
		want, _ = cache.ParseAcks(c.p.Set.Acks)
	}
	if o.Verb == "put" && len(o.Args) > 4 {
		want, _ = cache.ParseAcks(strings.TrimPrefix(o.Args[4], "acks="))
	}
	switch {
	case !o.done || o.err != nil || !o.writes() || want == cache.NoAcks:
		return 0
	case want == cache.AllAcks:
		return 1
	}
	return int(want)
}
