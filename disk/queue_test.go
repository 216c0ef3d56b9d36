// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

// TestQueueIsFull: values are left out and counted, removals are not; and
// nothing that was removed or replaced is answered with an older value.
func TestQueueIsFull(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.MaxQueued, c.unsynced = 10, true
	d := Open(c) // nobody writes
	for i := range 100 {
		d.Note(putOf(fmt.Sprint("k", i), "v", i))
	}
	if st := d.Status(); st.Lost != 90 || st.Queued != 10 {
		t.Errorf("%+v", st)
	}
	holds(t, d, "k9", "v")
	holds(t, d, "k10", "")
	d.write()
	for i := range 10 {
		d.Note(putOf(fmt.Sprint("other", i), "v", 200))
	}
	d.Note(putOf("k1", "newer", 201)) // no room: what is on disk is void all the same
	d.Note(removeOf(cache.Remove, "k2", 202))
	holds(t, d, "k1", "")
	holds(t, d, "k2", "")
	holds(t, d, "k3", "v")
	d.write()
	holds(t, d, "k1", "")
	holds(t, d, "k2", "")
	holds(t, d, "k3", "v")
	big := strings.Repeat("x", maxQueued/4)
	for i := range 5 {
		d.Note(putOf(fmt.Sprint("big", i), big, 300))
	}
	if st := d.Status(); st.Queued > 5 || st.Lost < 92 {
		t.Errorf("%+v", st)
	}
	d.Close()
}

// TestTooManyRemovals: what cannot be noted makes everything older void.
func TestTooManyRemovals(t *testing.T) {
	t.Parallel()
	for _, byStamp := range []bool{false, true} {
		c := config(t)
		c.MaxQueued, c.unsynced, c.ByStamp = 10, true, byStamp
		d := Open(c)
		for i := range 10 {
			d.Note(putOf(fmt.Sprint("k", i), "v", i))
		}
		d.write()
		op := func(i int) (cache.Op, string) { return cache.Remove, fmt.Sprint("r", i) }
		if !byStamp { // removals of what is not there take no room
			op = func(i int) (cache.Op, string) { return cache.Remove, fmt.Sprint("r", i, ":") }
		}
		for i := range maxMore + 20 {
			o, key := op(i)
			d.Note(removeOf(o, key, 100+i))
		}
		holds(t, d, "k1", "")
		d.Note(putOf("after", "v", 1_000_000))
		holds(t, d, "after", "v")
		d.write()
		holds(t, d, "after", "v")
		holds(t, d, "k1", "")
		if st := d.Status(); st.Wiped == 0 || !st.Works {
			t.Errorf("by stamp %v: %+v", byStamp, st)
		}
		d.Close()
		d = Open(c)
		holds(t, d, "k1", "")
		holds(t, d, "after", "v")
		d.Close()
	}
}

// TestLifetimes: what is over its lifetime is not answered, and is cleared
// away; removals are remembered for the retention, and no longer.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	c := config(t)
	var mu sync.Mutex
	now := int64(t0)
	c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.UnixMilli(now) }
	c.ByStamp, c.unsynced, c.Retention = true, true, time.Hour
	d := Open(c)
	defer func() { d.Close() }()
	short := cache.Attributes{Spool: true, Lateral: true, MaxLife: time.Minute, MaxIdle: -1}
	ch := putOf("short", "v", 0)
	ch.Element.Attr = &short
	d.Note(ch)
	d.Note(putOf("long", "v", 0))
	d.Note(removeOf(cache.Remove, "gone", 0))
	d.Note(removeOf(cache.RemoveGroup, "g", 0))
	holds(t, d, "short", "v")
	d.write()
	pass := func(d time.Duration) { mu.Lock(); now += d.Milliseconds(); mu.Unlock() }
	pass(2 * time.Minute)
	holds(t, d, "short", "")
	holds(t, d, "long", "v")
	d.expire("")
	d.write()
	if st := d.Status(); st.Elements != 1 || st.Tombstones != 1 {
		t.Errorf("%+v", st)
	}
	pass(time.Hour)
	holds(t, d, "long", "") // the longest life of the region
	pass(2 * time.Minute)
	d.expire("")
	d.write()
	if st := d.Status(); st.Elements != 0 || st.Tombstones != 0 {
		t.Errorf("%+v", st)
	}
	d.Close()
	d = Open(c)
	d.Restore(-1, func(e cache.Element) { t.Errorf("%q is remembered", e.Key) })
	if len(d.floors) > 0 || d.Status().Harmed > 0 {
		t.Errorf("%v, %+v", d.floors, d.Status())
	}
}

// TestTrust: who may be believed is.
func TestTrust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trust Trust
		alone bool
		keeps bool
	}{{TrustAll, false, true}, {TrustAll, true, true}, {TrustAlone, true, true}, {TrustAlone, false, false}, {TrustNone, true, false}} {
		cfg := config(t)
		cfg.Trust = c.trust
		d, stop := start(t, cfg)
		d.Note(putOf("k", "v", 1))
		d.Alone(false)
		d.Alone(c.alone)
		flush(t, d)
		stop()
		d, stop = start(t, cfg)
		holds(t, d, "k", map[bool]string{true: "v"}[c.keeps])
		restored := 0
		until := d.Restore(-1, func(cache.Element) { restored++ })
		if (until != 0) != c.keeps || (restored == 1) != c.keeps {
			t.Errorf("%+v: restored %d, until %d", c, restored, until)
		}
		stop()
	}
	cfg := config(t)
	a, stop := start(t, cfg)
	b, _ := start(t, cfg) // another process would fare the same
	if a, b := a.Status(), b.Status(); !a.Works || b.Works || !strings.Contains(b.Why, "timeout") {
		t.Errorf("%+v\n%+v", a, b)
	}
	for _, c := range []Config{cfg, {Trust: TrustNone}, {Clear: true}, {Trust: TrustAlone}} { // nor is anything taken from who has it
		c.Dir, c.Region, c.Now, c.Log, c.MaxElements, c.MaxQueued = cfg.Dir, cfg.Region, cfg.Now, cfg.Log, -1, 10
		a.Note(putOf("k", "mine", 5))
		flush(t, a)
		other := Open(c)
		other.retry()
		other.Close()
		a.Note(putOf("k2", "mine", 6))
		flush(t, a)
	}
	stop()
	a, _ = start(t, cfg)
	holds(t, a, "k", "mine")
	holds(t, a, "k2", "mine")
}
