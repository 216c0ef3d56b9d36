// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/auxtest"
	"lateral/internal/redistest"
)

// away is a tier whose server nobody is connected with, and which nobody runs: everything waits.
func away(t *testing.T, c Config) *Tier {
	c.Addrs = []string{"127.0.0.1:1"}
	m := &memory{held: map[string]cache.Element{}, drops: map[string]int{}, clock: cache.Clock{Node: 1}}
	return Open(c).Tier(TierConfig{Region: auxtest.Region, Retention: 24 * time.Hour, Attr: &cache.DefaultAttributes, Hear: m})
}

func put(t *Tier, key, value string, s cache.Stamp) {
	t.Note(cache.Change{Op: cache.Put, Element: cache.Element{Key: key, Value: cache.Value{Bytes: value}, Attr: &cache.DefaultAttributes, Stamp: s}})
}

func removed(t *Tier, op cache.Op, key string, s cache.Stamp, state cache.State) {
	t.Note(cache.Change{Op: op, Element: cache.Element{Key: key, Stamp: s, State: state}})
}

// TestQueueBounds: values beyond the bounds of elements, of bytes, and of one value are left out and
// counted, and what the server has of them counts as removed.
func TestQueueBounds(t *testing.T) {
	now := time.Now().UnixMilli()
	for name, c := range map[string]Config{"elements": {MaxQueued: 3}, "bytes": {MaxQueuedBytes: 3 * 102}, "one value": {MaxValue: 99}} {
		tier := away(t, c)
		for i := range 5 {
			put(tier, fmt.Sprint("k", i), strings.Repeat("v", 100), cache.StampAt(now+int64(i), 1))
		}
		held := 3
		if c.MaxValue > 0 {
			held = 0
		}
		if st := tier.Status(); st.Lost != uint64(5-held) || st.Queued != 5 || tier.bytes > 5*102 {
			t.Errorf("%s: %+v, %d bytes", name, st, tier.bytes)
		}
		for i := range 5 {
			want := cache.Live
			if i >= held {
				want = cache.Tombstone
			}
			if e, ok := tier.waiting(fmt.Sprint("k", i)); !ok || e.State != want || e.Stamp != cache.StampAt(now+int64(i), 1) {
				t.Errorf("%s: k%d waits as %+v", name, i, e)
			}
		}
	}
}

// TestTooManyRemovals: what cannot be noted becomes the removal of everything, up to the last of what waited.
func TestTooManyRemovals(t *testing.T) {
	now := time.Now().UnixMilli()
	at := func(ms int) cache.Stamp { return cache.StampAt(now+int64(ms), 1) }
	tier := away(t, Config{MaxQueued: 10})
	put(tier, "k", "v", at(0))
	removed(tier, cache.Remove, "last", at(200_000), cache.Tombstone)
	for i := range maxMore + 20 {
		removed(tier, cache.Remove, fmt.Sprint("r", i), at(1+i), cache.Tombstone)
	}
	st := tier.Status()
	if s := tier.queue.floors[floor{op: cache.RemoveAll}]; st.Wiped != 1 || st.Lost != 1 || s != at(200_000) || st.Queued > 20 {
		t.Errorf("%+v, everything up to %v", st, s)
	}
	old := cache.Element{Key: "last", Attr: &cache.DefaultAttributes, Stamp: at(199_999)}
	if _, ok, _ := tier.judge(old); ok {
		t.Error("what was removed is believed")
	}
	for i := range maxFloors + 10 { // of many: likewise
		removed(tier, cache.RemoveGroup, fmt.Sprint("g", i), at(300_000-i), cache.Tombstone)
	}
	if st := tier.Status(); st.Wiped != 2 || tier.queue.floors[floor{op: cache.RemoveAll}] != at(300_000) {
		t.Errorf("%+v, everything up to %v", st, tier.queue.floors[floor{op: cache.RemoveAll}])
	}
}

// TestManyOfPeers: removals of many by peers are bounded, and none is forgotten before it is on the server: of
// too many the older half counts as one of everything.
func TestManyOfPeers(t *testing.T) {
	now := time.Now().UnixMilli()
	at := func(ms int) cache.Stamp { return cache.StampAt(now+int64(ms), 1) }
	tier := away(t, Config{})
	const n = 5 * maxFloors
	for i := range n {
		removed(tier, cache.Remove, fmt.Sprint("p", i, ":"), at(i), cache.Forgotten)
		if len(tier.peers) > maxFloors {
			t.Fatalf("%d are remembered", len(tier.peers))
		}
	}
	for i := range n {
		e := cache.Element{Key: fmt.Sprint("p", i, ":k"), Attr: &cache.DefaultAttributes, Stamp: at(i - 1)}
		if _, ok, _ := tier.judge(e); ok {
			t.Fatalf("%s is believed, whose prefix was removed", e.Key)
		}
	}
	if _, ok, _ := tier.judge(cache.Element{Key: "other", Attr: &cache.DefaultAttributes, Stamp: at(n - 1)}); !ok {
		t.Error("all are taken for removed")
	}
	tier = away(t, Config{})
	for i := range n { // the server has each a moment later
		removed(tier, cache.Remove, fmt.Sprint("p", i, ":"), at(i), cache.Forgotten)
		tier.floors = floors{}
		for j := range i + 1 {
			tier.floors[floor{cache.Remove, fmt.Sprint("p", j, ":")}] = at(j)
		}
		if i > 2*maxFloors {
			break
		}
	}
	if _, ok := tier.peers[floor{op: cache.RemoveAll}]; ok {
		t.Error("everything is taken for removed, though the server has all of it")
	}
	if st := tier.Status(); st.Queued != 0 {
		t.Errorf("what peers write waits here: %+v", st)
	}
}

// TestLag: what has waited the longest counts, whatever is noted after it.
func TestLag(t *testing.T) {
	now := time.Now()
	tier := away(t, Config{Now: func() time.Time { return now }})
	for i := range 10 {
		put(tier, fmt.Sprint("k", i), "v", cache.StampAt(now.UnixMilli(), 1))
		now = now.Add(time.Second)
		if !tier.take() { // it is tried, and the server does not answer
			t.Fatal("nothing to write")
		}
		put(tier, fmt.Sprint("other", i), "v", cache.StampAt(now.UnixMilli(), 1))
		tier.finish(tier.writing)
	}
	if st := tier.Status(); st.Lag != 10*time.Second || st.Queued != 20 {
		t.Errorf("%+v", st)
	}
	tier.take()
	tier.finish(newBatch())
	put(tier, "later", "v", cache.StampAt(now.UnixMilli(), 1))
	if st := tier.Status(); st.Lag != 0 || st.Queued != 1 {
		t.Errorf("%+v", st)
	}
}

// TestGetOnly: a tier that is only read is never written, and hears of changes.
func TestGetOnly(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := quick(srv.Addr())
	c.GetOnly, c.Database = true, 3
	r := run(t, c, false).works()
	srv.CLI("-n", "3", "SET", "lateral:aux:k", "theirs")
	if got := r.get("k"); got != "theirs" {
		t.Errorf("%q", got)
	}
	s := r.put("k", "mine")
	for _, op := range []cache.Op{cache.Remove, cache.RemoveAll} {
		r.Note(cache.Change{Op: op, Region: auxtest.Region, Element: cache.Element{Key: "k", Stamp: s, State: cache.Tombstone}})
	}
	r.Note(cache.Change{Op: cache.Put, Region: auxtest.Region, Element: cache.Element{Key: "k", Stamp: s, State: cache.Forgotten}})
	r.flush()
	if got := srv.CLI("-n", "3", "GET", "lateral:aux:k"); got != "theirs" || srv.CLI("-n", "3", "DBSIZE") != "1" || srv.CLI("DBSIZE") != "0" {
		t.Errorf("the server has %q, %s keys", got, srv.CLI("-n", "3", "DBSIZE"))
	}
	srv.CLI("-n", "3", "SET", "lateral:aux:k", "changed")
	r.until("the invalidation is here", func() bool { _, ok := r.m.Look("k"); return !ok })
	if got := r.get("k"); got != "changed" {
		t.Errorf("%q", got)
	}
}

// TestClusterTroubles: a Cluster of three masters of which one is slow, loses a tracking connection, and is
// killed and comes back empty. Each is a gap, and nothing of before is served then.
func TestClusterTroubles(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3, false)
	r := run(t, quick(nodes[0].Addr(), nodes[1].Addr()), false).works()
	key := map[*redistest.Server]string{} // one of each master's
	for i := 0; len(key) < 3; i++ {
		k := fmt.Sprint("k", i)
		for _, s := range nodes {
			if key[s] == "" && strings.HasPrefix(s.Pipe("EXISTS lateral:aux:"+k), "0") {
				key[s] = k
			}
		}
	}
	at3 := nodes[2]
	gaps := func() int { return at(r.m, func(m *memory) int { return m.gaps }) }
	hold := func(value string) {
		t.Helper()
		for _, k := range key {
			r.put(k, value)
		}
		r.flush()
	}
	serves := func(when, want string) {
		t.Helper()
		for _, s := range nodes {
			w := "v"
			if s == at3 {
				w = want
			}
			r.until(when+": "+key[s]+" can be had", func() bool { _, _, err := r.Fetch(context.Background(), "", key[s]); return err == nil })
			if got := r.get(key[s]); got != w {
				t.Errorf("%s: %q, want %q", when, got, w)
			}
		}
	}

	hold("v")
	before := gaps()
	at3.Pipe(append(append([]string{"MULTI"}, trackers(at3)...), "SET lateral:aux:"+key[at3]+" outside", "EXEC")...)
	r.until("the loss is a gap", func() bool { return gaps() > before })
	r.works()
	if _, ok := r.m.Look(key[at3]); ok {
		t.Error("what was changed meanwhile is held")
	}
	serves("tracking lost", "outside")

	hold("v")
	before = gaps()
	at3.Stop()
	r.until("the silence is noticed", func() bool { _, down := r.s.Since(); return down })
	if _, ok, err := r.Fetch(t.Context(), "", key[at3]); ok || !errors.Is(err, ErrDown) {
		t.Errorf("of a master that is stopped: %v %v", ok, err)
	}
	r.put(key[at3], "meanwhile")
	at3.Continue()
	r.until("it is a gap", func() bool { return gaps() > before })
	r.works()
	r.flush()
	serves("slow", "meanwhile")

	hold("v")
	before = gaps()
	at3.Kill()
	r.until("the loss is noticed", func() bool { _, down := r.s.Since(); return down })
	at3.Start()
	r.until("it is a gap", func() bool { return gaps() > before })
	r.works()
	serves("restarted", "")
	hold("v")
	serves("written again", "v")
}

// TestNewerThanWhatWaits: a write that waits, as the server takes none of this node's, is not served
// when another's newer one is there.
func TestNewerThanWhatWaits(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, "--user", "reader", "on", "nopass", "~*", "+@all", "-hset")
	c := quick(srv.Addr())
	writer := run(t, c, false).works()
	c.Username, c.Password = "reader", says("any")
	r := run(t, c, false).works()
	r.put("k", "old")
	r.until("it was refused", func() bool { return r.Status().Failures > 0 })
	if got := r.get("k"); got != "old" {
		t.Errorf("%q", got)
	}
	writer.m.clock.Observe(time.Now().UnixMilli(), r.m.Stamp())
	writer.put("k", "new")
	writer.flush()
	r.until("memory has let it go", func() bool { _, ok := r.m.Look("k"); return !ok })
	if got := r.get("k"); got != "new" || r.Status().Queued == 0 {
		t.Errorf("%q, %+v", got, r.Status())
	}
	srv.CLI("ACL", "SETUSER", "reader", "+hset")
	r.flush()
	if got := r.get("k"); got != "new" || writer.get("k") != "new" {
		t.Errorf("%q", got)
	}
}
