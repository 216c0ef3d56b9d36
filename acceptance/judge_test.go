// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"lateral/cache"
)

// held is what a host holds of a region: key → element.
type held map[string]cache.Element

// contents asks a host's own memory for all that it holds of a region.
func (l *load) contents(ctx context.Context, host int, region string) (held, error) {
	c := l.clients[host]
	rep, err := c.Do(ctx, cache.Command{Op: cache.Keys, Origin: cache.LocalOnly, Region: region})
	if err != nil {
		return nil, err
	}
	out := held{}
	for _, k := range rep.Keys {
		rep, err := c.Do(ctx, cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: region, Key: k})
		if err != nil {
			return nil, err
		}
		if rep.Found {
			out[k] = rep.Element
		}
	}
	return out, nil
}

// judge compares what the hosts hold, with each other and with what was
// written, and begins a new account: what is held by all now must be there
// next time, or something newer. Nothing may be under way.
func (l *load) judge(ctx context.Context) error {
	for _, region := range loaded {
		var first held
		for host := range l.clients {
			h, err := l.contents(ctx, host, region)
			if err != nil {
				return err
			}
			if first == nil {
				first = h
			}
			l.compare(region, host, first, h)
		}
		l.judgeRegion(region, first)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kills = 0
	return nil
}

func (l *load) compare(region string, host int, first, h held) {
	for k, e := range first {
		if o, ok := h[k]; !ok || o.Stamp != e.Stamp || o.Value.Bytes != e.Value.Bytes {
			l.breaks("%s of %s: %s holds %.60q at %s, %s %.60q at %s", k, region, l.lives[0].host, e.Value.Bytes, e.Stamp, l.lives[host].host, o.Value.Bytes, o.Stamp)
		}
	}
	for k := range h {
		if _, ok := first[k]; !ok {
			l.breaks("%s of %s: %s holds it, %s does not", k, region, l.lives[host].host, l.lives[0].host)
		}
	}
}

// judgeRegion judges what all hosts hold.
func (l *load) judgeRegion(region string, now held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if region == "Top" && len(now) > topBound {
		l.breaksLocked("Top has %d elements", len(now))
	}
	keys := map[string]bool{}
	for k := range loadKeys[region] {
		keys[fmt.Sprint("k", k)] = true
	}
	for k := range now {
		if !keys[k] {
			l.breaksLocked("invented: %s of %s", k, region)
		}
	}
	l.latestLocked(region)
	account := map[string]write{}
	for k := range keys {
		e, ok := now[k]
		account[k] = l.judgeKey(region, k, e, ok)
	}
	for k, w := range account {
		delete(l.writes, region+" "+k)
		if !w.stamp.IsZero() {
			l.writes[region+" "+k] = []write{w}
		}
	}
}

// judgeKey returns what the next judgement begins from.
func (l *load) judgeKey(region, key string, e cache.Element, ok bool) write {
	all := l.writes[region+" "+key]
	var must write // the newest of those that had to survive
	for _, w := range all {
		if l.sure(region, w) && must.stamp.Before(w.stamp) {
			must = w
		}
	}
	next := write{key: key, stamp: must.stamp}
	switch {
	case !ok && must.value != "" && !l.excused(region, all, must):
		l.breaksLocked("lost: %s of %s, put on %s at %s", key, region, must.life.host, must.stamp)
	case !ok:
	case e.Stamp.Before(must.stamp) && must.value != "":
		l.breaksLocked("lost: %s of %s is of %s, there was one put on %s at %s", key, region, e.Stamp, must.life.host, must.stamp)
	case e.Stamp.Before(must.stamp), e.Stamp == must.stamp && must.value == "":
		l.breaksLocked("resurrected: %s of %s is of %s, removed or pushed out at %s", key, region, e.Stamp, must.stamp)
	case !written(all, e):
		l.breaksLocked("invented: %s of %s is %.60q at %s", key, region, e.Value.Bytes, e.Stamp)
	}
	if ok {
		next.stamp, next.value = e.Stamp, strings.TrimSuffix(e.Value.Bytes, padding)
	}
	next.life = everywhere
	return next
}

// everywhere is the life of what all hosts had at a judgement: it does not end
// with any one of them.
var everywhere = &life{host: "all hosts"}

func written(all []write, e cache.Element) bool {
	for _, w := range all {
		if w.value != "" && w.value+padding == e.Value.Bytes && (w.err != nil || w.stamp == e.Stamp) {
			return true
		}
	}
	return false
}

// sure reports whether a write had to survive: that of a life that goes on, or
// one that a peer acknowledged if only one was killed since, or what all had
// at the last judgement.
func (l *load) sure(region string, w write) bool {
	if w.err != nil {
		return false
	}
	return !w.life.ended || region == "Ses" && l.kills <= 1
}

// excused reports whether what had to survive may be missing: a removal that
// was not answered, or was killed with its host, may have been later; or there
// were enough newer ones to push it out.
func (l *load) excused(region string, all []write, must write) bool {
	for _, w := range all {
		if w.value == "" && (w.err != nil || must.stamp.Before(w.stamp)) {
			return true
		}
	}
	if region != "Top" {
		return false
	}
	newer := len(l.latest) - sort.Search(len(l.latest), func(i int) bool { return must.stamp.Before(l.latest[i]) })
	return newer >= topBound
}

// latestLocked sorts the newest stamps of all keys of a region; a write that
// was not answered may be newer than all others.
func (l *load) latestLocked(region string) {
	l.latest = l.latest[:0]
	for k := range loadKeys[region] {
		var newest cache.Stamp
		for _, w := range l.writes[fmt.Sprint(region, " k", k)] {
			if w.err != nil {
				w.stamp = cache.Stamp{Time: math.MaxUint64}
			}
			if newest.Before(w.stamp) {
				newest = w.stamp
			}
		}
		l.latest = append(l.latest, newest)
	}
	slices.SortFunc(l.latest, cache.Stamp.Compare)
}

// account is what was done so far, in words.
func (l *load) account() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d writes, %d of them not acknowledged", l.total, l.failed)
}
