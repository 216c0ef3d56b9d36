// SPDX-License-Identifier: Apache-2.0

package link

import (
	"lateral/cache"
	"lateral/changelog"
	"lateral/jcs"
)

// A bridge relays what Java nodes of one generation say to those of others,
// which can't talk to each other. There are no loops: what a Java node hears it
// never sends on, and what is relayed goes to other generations than it came
// from. Two bridges in one cluster would tell everything twice.

// relayBytes bounds what waits for slow nodes of other generations.
const relayBytes = 16 << 20

// A feed is a log that a peer is told of, and how far its kernel has it.
type feed struct {
	log   *changelog.Log
	from  string // the generation whose changes these are; "" is our own
	acked uint64
	cur   *changelog.Cursor // nil between sessions
}

// relayOf returns the log of what one family said, making it.
func (l *Links) relayOfLocked(family string) *changelog.Log {
	log := l.relays[family]
	if log == nil {
		log = changelog.New(0, relayBytes)
		l.relays[family] = log
	}
	return log
}

// relay appends a change of a Java node to what other generations are told.
func (l *Links) relay(g *jcs.Generation, c *cache.Command) {
	l.counters.bridged.Add(1)
	if len(jcs.Foreign(c.Key, c.Value)) > 0 {
		l.counters.bridgedForeign.Add(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	state := cache.Tombstone
	if c.Op == cache.Put {
		state = cache.Live
	}
	l.relayOfLocked(g.Family).Append(&cache.Change{Op: c.Op, Region: c.Region,
		Element: cache.Element{Key: c.Key, Value: c.Value, Attr: c.Attr, Stamp: c.Stamp, Accessed: c.Accessed, State: state}})
	for _, p := range l.peers {
		p.wake()
	}
}

// feedsLocked returns what a peer of a generation is told: our own changes, and with a
// bridge those of other families. What the peer heard of before goes on.
func (p *peer) feedsFor(g *jcs.Generation) []*feed {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	out := []*feed{p.own}
	if !p.l.c.Bridge {
		return out
	}
	for _, other := range jcs.Generations {
		if other.Family == g.Family {
			continue
		}
		log := p.l.relayOfLocked(other.Family)
		f := p.relayed[log]
		if f == nil {
			f = &feed{log: log, from: other.Family, acked: log.Next() - 1}
			p.relayed[log] = f
		}
		if len(out) == 1 || out[len(out)-1] != f {
			out = append(out, f)
		}
	}
	return out
}

// wake has the peer's session look at its feeds.
func (p *peer) wake() {
	select {
	case p.poke <- struct{}{}:
	default:
	}
}
