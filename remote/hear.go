// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"time"

	"github.com/valkey-io/valkey-go"

	"lateral/cache"
)

// maxChecks bounds the keys that wait to be verified.
const maxChecks = 1 << 16

// invalidated hears that a key has changed on the server, whoever did it. It is
// called by who reads the connection.
func (t *Tier) invalidated(key string) {
	if !elementKey(key) {
		return
	}
	here, ok := t.c.Hear.Look(key)
	if t.c.ByStamp && !ok {
		return // whoever misses it finds it
	}
	now := t.s.c.Now().UnixMilli()
	t.mu.Lock()
	t.count.invalidations++
	at, mine := t.own[key]
	mine = mine && t.s.c.Now().Sub(at) < ownFor
	if !mine {
		delete(t.own, key)
		_, mine = t.waitingLocked(key)
		mine = mine || ok && idled(&here, now)
	}
	verify := mine && len(t.check) < maxChecks
	if t.c.ByStamp {
		if verify = len(t.check) < maxChecks; !verify {
			t.checkAll = true
		}
	}
	if verify {
		t.check[key] = struct{}{}
	}
	t.mu.Unlock()
	if verify || t.c.ByStamp {
		poke(t.checks)
		return
	}
	t.drop(key)
}

func (t *Tier) drop(key string) {
	t.c.Hear.Drop(key)
	t.mu.Lock()
	t.count.dropped++
	t.mu.Unlock()
}

// floorsMoved hears that there may be removals of many that are not known.
func (t *Tier) floorsMoved() {
	t.mu.Lock()
	t.known = false
	t.asked++
	t.mu.Unlock()
	poke(t.checks)
}

// gap hears that anything may have been missed.
func (t *Tier) gap() {
	t.mu.Lock()
	t.known = false
	t.asked++
	if t.c.ByStamp {
		t.checkAll = true
	} else {
		clear(t.check)
	}
	t.mu.Unlock()
	if !t.c.ByStamp {
		t.c.Hear.Gap()
	}
	poke(t.checks)
}

// verifies compares with the server what was invalidated and may be kept, until ctx ends.
func (t *Tier) verifies(ctx context.Context) {
	tick := time.NewTicker(t.s.c.Heartbeat) // for what could not be verified
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.checks:
		case <-tick.C:
		}
		for ctx.Err() == nil && t.verify(ctx) {
		}
	}
}

// verify does a part; it reports whether there is more.
func (t *Tier) verify(ctx context.Context) bool {
	t.mu.Lock()
	all, known := t.checkAll, t.known
	t.checkAll = false
	keys := make([]string, 0, chunk)
	for k := range t.check {
		if len(keys) == chunk {
			break
		}
		keys = append(keys, k)
		delete(t.check, k)
	}
	t.mu.Unlock()
	if !known && t.s.tracking() {
		ctx, cancel := t.s.within(ctx, t.s.c.Silent)
		err := t.learnFloors(ctx)
		cancel()
		if err != nil && !t.c.ByStamp {
			t.c.Hear.Gap()
		}
	}
	if all {
		return t.verifyAll(ctx)
	}
	return len(keys) > 0 && t.verifyKeys(ctx, keys)
}

// verifyAll is after a gap, of a region whose values travel.
func (t *Tier) verifyAll(ctx context.Context) bool {
	var keys []string
	t.c.Hear.Keys(func(key string) bool {
		keys = append(keys, key)
		return true
	})
	for len(keys) > 0 && ctx.Err() == nil {
		n := min(len(keys), chunk)
		if !t.verifyKeys(ctx, keys[:n]) {
			t.mu.Lock()
			t.checkAll = true // again, when the server answers: there will be another gap
			t.mu.Unlock()
			return false
		}
		keys = keys[n:]
	}
	return true
}

// verifyKeys asks which versions the server has, and reports whether it
// answered. What cannot be verified is not kept.
func (t *Tier) verifyKeys(ctx context.Context, keys []string) bool {
	ctx, cancel := t.s.within(ctx, t.s.c.Silent)
	defer cancel()
	cl, err := t.s.data()
	var res []valkey.ValkeyResult
	if err == nil {
		cmds := make([]valkey.Completed, 0, len(keys))
		for _, k := range keys {
			cmds = append(cmds, cl.B().Hkeys().Key(t.key(k)).Build())
		}
		res = cl.DoMulti(ctx, cmds...)
	}
	for i, key := range keys {
		var names []string
		ierr := err
		if err == nil {
			names, ierr = res[i].AsStrSlice()
		}
		_, there, _ := newest(names)
		switch {
		case isKind(ierr, "WRONGTYPE"):
			t.differs(ctx, key)
		case ierr != nil && t.c.ByStamp:
			t.again(keys[i:])
			t.s.failed(ierr)
			return false
		case ierr != nil:
			t.drop(key)
		default:
			t.compare(ctx, key, there)
		}
	}
	return true
}

func (t *Tier) again(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keys {
		t.check[k] = struct{}{}
	}
}

// compare holds what memory has against the newest version that the server has.
func (t *Tier) compare(ctx context.Context, key string, there cache.Element) {
	here, ok := t.c.Hear.Look(key)
	t.mu.Lock()
	waits, queued := t.waitingLocked(key)
	keep := there.Stamp == here.Stamp || queued && there.Stamp.Before(waits.Stamp) && waits.Stamp == here.Stamp
	if t.c.ByStamp {
		keep = !here.Stamp.Before(there.Stamp)
	}
	if ok && keep {
		t.count.kept++
	}
	if queued && waits.Stamp.Before(there.Stamp) { // else it would be answered with until it is written
		t.goneLocked(key, waits.Stamp)
	}
	now := t.s.c.Now().UnixMilli()
	renew := ok && there.Stamp.IsZero() && !queued && !t.s.c.GetOnly && idled(&here, now)
	if renew {
		t.beginLocked()
		t.noteLocked(here)
		poke(t.wake)
		keep = true
	}
	t.mu.Unlock()
	if !ok && !t.c.ByStamp {
		t.c.Hear.Drop(key) // what is being loaded must not be kept
	}
	if ok && !keep {
		t.differs(ctx, key)
	}
}

// differs: the server has something else than memory.
func (t *Tier) differs(ctx context.Context, key string) {
	if !t.c.ByStamp {
		t.drop(key)
		return
	}
	here, ok := t.c.Hear.Look(key)
	if !ok {
		return // whoever misses it finds it
	}
	e, _, err := t.read(ctx, key)
	t.mu.Lock()
	void := e.State == cache.Live && t.voidLocked(&e)
	t.mu.Unlock()
	switch {
	case err != nil:
		t.again([]string{key})
	case !e.Stamp.IsZero() && here.Stamp.Before(e.Stamp) && !void:
		t.c.Hear.Merge(e)
	}
}

// idled reports whether the server may have let an element go because it was
// idle there, while it is in use here: nobody tells the server of reads. It is written again then.
func idled(e *cache.Element, now int64) bool {
	a := e.Attr
	return e.State == cache.Live && a != nil && !a.Eternal && a.MaxIdle > 0 && !a.Expired(e.Stamp.UnixMilli(), e.Accessed, now) &&
		now >= e.Stamp.UnixMilli()+a.MaxIdle.Milliseconds()
}
