// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"strconv"
	"time"

	"lateral/cache"
)

// bound is how old what an invalidated region serves may be: a silent link is
// noticed after LinkTimeout, and what is held is served for StaleMax more. On
// top come the message's own way, a heartbeat and the length of a load.
func (p *Plan) bound() time.Duration {
	b := p.Set.LinkTimeout + p.Set.Heartbeat + 300*time.Millisecond
	if p.Set.WhenDown != "bypass" {
		b += p.Set.StaleMax
	}
	slow := time.Duration(0)
	for _, s := range p.Steps {
		if s.Verb == "slow" {
			slow = max(slow, s.time(1))
		}
	}
	return b + 2*p.delay() + 4*slow
}

// delay is the longest of any way at any time.
func (p *Plan) delay() (d time.Duration) {
	for _, s := range p.Steps {
		if s.Verb == "delay" {
			d = max(d, s.time(2))
		}
	}
	return d
}

// judgeServed judges a value that an invalidated region answered with; c.mu is
// held.
func (c *cluster) judgeServed(o *Op) {
	for _, u := range c.ops {
		if !u.changes() || u.region() != o.region() || u.key() != o.key() || u.err != nil || !u.done || u.ret == 0 || u.version <= o.version {
			continue
		}
		switch {
		case u.life == o.life && u.ret < o.call && !c.p.Set.AllowGet:
			c.breaksLocked("stale at its writer: %s, after %s", o, u)
		case u.ret+c.p.bound() < o.call && c.hadMet(u.life, o.life, u.ret):
			c.breaksLocked("stale beyond %v: %s, after %s", c.p.bound(), o, u)
		}
	}
}

// judgeKept waits until no link is missed any more, and then wants nothing
// that is stale to be kept by any node.
func (c *cluster) judgeKept() {
	wait := c.p.bound()
	for _, l := range c.lives {
		if l.ended != 0 {
			wait = max(wait, c.p.Set.Member+c.p.Set.LinkTimeout+5*time.Second)
		}
	}
	time.Sleep(wait)
	for _, l := range c.alive() {
		c.judgeOnce(l)
		for _, e := range c.contents(l, "Inv") {
			v, _ := strconv.ParseUint(e.Value.Bytes, 10, 64)
			for _, u := range c.ops {
				told := u.life.ended == 0 || u.life == l || c.hadMet(u.life, l, u.ret)
				if u.changes() && u.region() == "Inv" && u.err == nil && u.done && told && u.key() == cache.KeyText(e.Key) && v < u.version {
					c.breaks("stale for ever: %s keeps %s of Inv in version %d; there was %s", l, cache.KeyText(e.Key), v, u)
				}
			}
		}
	}
}

// judgeOnce wants each change of a peer to be applied once at most.
func (c *cluster) judgeOnce(l *life) {
	removals := 0
	for _, u := range c.ops {
		if u.changes() && u.region() == "Inv" && u.life != l {
			removals++
		}
	}
	for _, r := range l.node.Status().Regions {
		if r.Region == "Inv" && r.Stats.Received > uint64(removals) {
			c.breaks("once: %s has applied %d removals, its peers made %d", l, r.Stats.Received, removals)
		}
	}
}
