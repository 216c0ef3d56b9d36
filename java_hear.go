// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"cmp"
	"slices"
	"time"

	"lateral/beacon"
	"lateral/cache"
	"lateral/discover"
	"lateral/jcs"
)

// also says to Java nodes what discovery says to Lateral's: PASSIVE with the
// regions at once and on every change, and REQUEST with names, which they
// answer at once (jcs-protocol.md section 5).
func (j *javaSide) also(k discover.Kind) (front, alone [][]byte) {
	var names []string
	for _, r := range j.e.regions() {
		names = append(names, r.Name())
	}
	if len(names) == 0 && j.e.c.ListenOnly && k == discover.Solicit {
		names, k = []string{unnamed}, ask
	}
	if len(names) == 0 || javaHere(j.e.c) {
		return nil, nil // nobody would look at it, or nobody is to see it
	}
	j.mu.Lock()
	gens := slices.Clone(j.gens)
	late := j.port
	j.mu.Unlock()
	for _, g := range gens {
		p := jcs.Packet{Gen: g, Kind: jcs.Passive, Host: j.host(), Port: late, Requester: j.requester, Regions: names}
		if g.Family == jcs.JCS13.Family {
			p.Port = j.e.disc.Port()
		}
		var kinds []jcs.Kind
		switch {
		case k == discover.Withdraw:
			kinds = []jcs.Kind{jcs.Withdrawal}
		case j.e.c.Receive && k != ask:
			kinds = []jcs.Kind{jcs.Passive}
		}
		if k == discover.Solicit || k == ask {
			kinds = append(kinds, jcs.Request)
		}
		for _, p.Kind = range kinds {
			b, err := p.Encode(&j.ser)
			switch {
			case err != nil: // JCS 1.3 has no REMOVE
			case g.Framed && j.ser.Key != "":
				alone = append(alone, b)
			default:
				front = append(front, b)
			}
		}
	}
	return front, alone
}

// unnamed stands for a region in the question of an observer that has none yet.
// Only the question who is there has it: it needs a name to be answered, and
// which one does not matter.
const unnamed = "lateral.observer"

// ask is a Solicit that announces nothing.
const ask = discover.Kind(0)

// host is the address that JCS 1.3 nodes dial: that of the interface that
// sends.
func (j *javaSide) host() string {
	if h := cmp.Or(j.e.advertise()); h != "" {
		return h
	}
	if j.e.conn != nil {
		for _, s := range j.e.conn.Status() {
			if s.Ready() {
				return s.Addr.String()
			}
		}
	}
	return j.e.n.host
}

// hear takes in a datagram that is none of Lateral's.
func (j *javaSide) hear(from beacon.Source, b []byte) {
	if !javaFrom(j.e.c, from.Addr.Addr()) {
		return
	}
	p, _, err := jcs.DecodePacket(b, &j.ser)
	if err != nil || p.Requester == j.requester || j.e.disc.Knows(cache.NodeID(p.Requester)) {
		return
	}
	j.speak(p.Gen)
	j.named(p)
	addr, ip, err := dialAddr(from.Addr.Addr(), from.Loopback, p)
	j.notice(from, p, addr)
	j.adopt(p)
	if err == nil && !javaFrom(j.e.c, ip) {
		return // JCS 1.3 may write any host
	}
	switch {
	case p.Kind == jcs.Request:
		j.e.disc.Announce()
	case err != nil:
		j.e.n.log.Debug("a Java node is not dialled", "endpoint", j.e.name, "from", from.Addr, "why", err)
	case p.Kind == jcs.Withdrawal:
		j.mu.Lock()
		delete(j.nodes, addr)
		j.mu.Unlock()
		j.links.Withdrawn(addr)
	case j.shares(p):
		j.meet(addr, javaNode{gen: p.Gen, ip: ip, first: time.Now(), id: p.Requester})
		if j.links.Announced(addr, p) {
			j.e.disc.Announce()
		}
	}
}

// speak has a generation announced to from now on.
func (j *javaSide) speak(g *jcs.Generation) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.gens, g) {
		j.gens = append(j.gens, g)
	}
}

func (j *javaSide) meet(addr string, n javaNode) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if old, ok := j.nodes[addr]; ok && old.id == n.id {
		return
	}
	if len(j.nodes) < maxJavaNodes {
		j.nodes[addr] = n
	}
}

// shares reports whether a node has a region in common with us. One that is
// declared later is found in a later datagram.
func (j *javaSide) shares(p *jcs.Packet) bool {
	for _, r := range j.e.regions() {
		if slices.Contains(p.Regions, r.Name()) {
			return true
		}
	}
	return false
}

// named notes who has named no region yet.
func (j *javaSide) named(p *jcs.Packet) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch m := j.mute[p.Requester]; {
	case len(p.Regions) > 0 || p.Kind == jcs.Withdrawal:
		delete(j.mute, p.Requester)
	case m == nil && len(j.mute) < maxJavaNodes:
		now := time.Now()
		j.mute[p.Requester] = &muteNode{until: now.Add(askFor), next: now.Add(askFirst), pause: askFirst}
	}
}

// askAgain reports whether a node that has named no region is to be asked.
func (j *javaSide) askAgain(now time.Time) (due bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, m := range j.mute {
		switch {
		case now.After(m.until):
			delete(j.mute, id)
		case !now.Before(m.next):
			due = true
			m.pause = min(2*m.pause, askMost)
			m.next = now.Add(m.pause)
		}
	}
	return due
}
