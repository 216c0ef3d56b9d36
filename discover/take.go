// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"lateral/beacon"
)

const (
	complainEvery = 10 * time.Second // at most one line so often about what strangers send
	maxForeigners = 256              // senders of other clusters that are remembered as logged
)

// A grumble keeps strangers from filling the log.
type grumble struct {
	next       time.Time
	skipped    int
	foreigners map[netip.Addr]string // cluster last logged
}

// take judges one datagram.
func (d *Discoverer) take(from beacon.Source, b []byte) {
	p, err := Packet{}, error(ErrAlien)
	if !d.cfg.Observe {
		p, err = d.decode(from, b)
	}
	var o outcome
	d.do(func(now time.Time) bool {
		c := &d.table.counts
		c.Packets++
		switch {
		case errors.Is(err, ErrAlien):
			c.Alien++
		case errors.Is(err, errUnproven):
			c.Unproven++
		case err != nil:
			c.Undecodable++
		default:
			o = d.table.heard(now, from, p)
			for _, l := range d.listening {
				if !o.foreign {
					l.note(p.ID, from)
				}
			}
		}
		if o.answer && d.cfg.Self.Receive {
			d.pace.ask(now, d.rand.Float64())
		}
		if o.foreign {
			d.noteForeignLocked(from, p)
		}
		return o.changed
	})
	if o.answer {
		poke(d.wake)
	}
	switch {
	case errors.Is(err, ErrAlien):
		// JCS nodes share the group: nothing to complain of.
		if d.cfg.Alien != nil {
			d.cfg.Alien(from, b)
		}
	case errors.Is(err, errUnproven):
		if d.cfg.Refuse != nil {
			d.cfg.Refuse(from.Addr.Addr(), err)
		}
	case err != nil:
		d.complain("packet not understood", "from", from.Addr, "interface", from.Interface, "bytes", len(b), "err", err)
	case o.odd != "":
		d.complain("packet not believed", "from", from.Addr, "interface", from.Interface, "host", p.Host, "service", p.Service, "why", o.odd)
	}
}

// noteForeignLocked logs another cluster on our group, once for each sender.
func (d *Discoverer) noteForeignLocked(from beacon.Source, p Packet) {
	g := &d.grump
	addr := from.Addr.Addr()
	if g.foreigners == nil {
		g.foreigners = map[netip.Addr]string{}
	}
	if last, known := g.foreigners[addr]; known && last == p.Cluster || !known && len(g.foreigners) >= maxForeigners {
		return
	}
	g.foreigners[addr] = p.Cluster
	d.table.note(slog.LevelInfo, "another cluster shares the group; it is ignored", "cluster", p.Cluster, "ours", d.cfg.Self.Cluster,
		"from", from.Addr, "host", p.Host, "service", p.Service)
}

// complain logs a warning, unless one was logged just now: then it is counted.
func (d *Discoverer) complain(text string, args ...any) {
	now := time.Now()
	d.mu.Lock()
	g := &d.grump
	if now.Before(g.next) {
		g.skipped++
		d.mu.Unlock()
		return
	}
	skipped := g.skipped
	g.next, g.skipped = now.Add(complainEvery), 0
	d.mu.Unlock()
	d.cfg.Log.Log(context.Background(), slog.LevelWarn, "discover: "+text, append(args, "unlogged", skipped)...)
}
