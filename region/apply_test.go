// SPDX-License-Identifier: Apache-2.0

package region

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"lateral/cache"
)

// each runs a test in every mode and memory.
func inEach(t *testing.T, f func(t *testing.T, g *rig)) {
	for name, s := range map[string]struct {
		m Mode
		s Settings
	}{
		"local tinylfu":      {Local, Settings{MaxObjects: 1000}},
		"local lru":          {Local, Settings{MaxObjects: 1000, Policy: "lru"}},
		"local mru many":     {Local, Settings{MaxObjects: -1, Policy: "mru"}},
		"local bytes":        {Local, Settings{MaxObjects: 1000, MaxBytes: 1 << 20}},
		"invalidate tinylfu": {Invalidate, Settings{MaxObjects: 1000}},
		"invalidate fifo":    {Invalidate, Settings{MaxObjects: 1000, Policy: "fifo"}},
		"replicate one":      {Replicate, Settings{MaxObjects: 1000}},
		"replicate many":     {Replicate, Settings{MaxObjects: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t, s.m, s.s)
			f(t, g)
			g.mustAudit()
		})
	}
}

// sent is what peers are told of a put in this mode.
func (g *rig) sent(key, value string) string {
	switch g.Mode() {
	case Invalidate:
		return "remove " + key + "#"
	case Replicate:
		return "put " + key + "=" + value
	}
	return ""
}

// unlessLocal is what peers are told where there are any.
func (g *rig) unlessLocal(s string) string {
	if g.Mode() == Local {
		return ""
	}
	return s
}

func TestPutGetRemove(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.see("k", "")
		first := g.put("k", "1")
		g.told(g.sent("k", "1"), "", "put k=1")
		g.see("k", "1")
		second := g.put("k", "22")
		g.told(g.sent("k", "22"), "", "put k=22")
		g.see("k", "22")
		if !first.Stamp.Before(second.Stamp) || first.Stamp.UnixMilli() != base || first.Stamp.Node != 1 {
			t.Errorf("stamps %s, %s", first.Stamp, second.Stamp)
		}
		rep := g.do(cache.Command{Op: cache.Get, Key: "k"})
		if !rep.Found || rep.Element.Stamp != second.Stamp || rep.Element.Key != "k" || *rep.Element.Attr != cache.DefaultAttributes {
			t.Errorf("got %+v", rep)
		}
		if rep := g.remove("k"); !rep.Found || !second.Stamp.Before(rep.Stamp) {
			t.Errorf("remove: %+v", rep)
		}
		g.told(g.unlessLocal("remove k"), "remove k", "remove k")
		g.see("k", "")
		// JCS sends a removal even for what is not there: peers may hold it.
		if rep := g.remove("k"); rep.Found {
			t.Errorf("removed twice: %+v", rep)
		}
		g.told(g.unlessLocal("remove k"), "remove k", "remove k")
		g.put("k", "3")
		g.see("k", "3")
		if st := g.Stats(); st.Puts != 3 || st.Removes != 2 || st.Hits != 4 || st.Misses != 2 {
			t.Errorf("%+v", st)
		}
		if st := g.Status(); st.Elements != 1 || st.Tombstones != 0 || st.Bytes != 2 || st.Mode != g.Mode().String() {
			t.Errorf("%+v", st)
		}
	})
}

func TestPutIfAbsent(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		c := cache.Command{Op: cache.PutIfAbsent, Key: "k", Value: text("1")}
		if rep := g.do(c); rep.Found {
			t.Errorf("%+v", rep)
		}
		g.told(g.sent("k", "1"), "", "put k=1")
		c.Value = text("2")
		if rep := g.do(c); !rep.Found || rep.Element.Value.Bytes != "1" {
			t.Errorf("%+v", rep)
		}
		g.told("", "", "")
		g.see("k", "1")
		g.remove("k")
		if rep := g.do(c); rep.Found {
			t.Errorf("after a removal: %+v", rep)
		}
		g.see("k", "2")
		// What is over its lifetime is absent.
		g.do(cache.Command{Op: cache.Put, Key: "k", Value: text("3"), Attr: &cache.Attributes{MaxLife: 1e9, Lateral: true}})
		g.pass(1001e6)
		if rep := g.do(c); rep.Found {
			t.Errorf("after its lifetime: %+v", rep)
		}
	})
}

// Update is a removal at the peers and a put here, unless values travel.
func TestUpdate(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.do(cache.Command{Op: cache.Update, Key: "k", Value: text("1")})
		want := map[Mode]string{Local: "", Invalidate: "remove k", Replicate: "put k=1"}[g.Mode()]
		g.told(want, "", "put k=1")
		g.see("k", "1")
		stays := cache.DefaultAttributes
		stays.Lateral = false
		g.do(cache.Command{Op: cache.Update, Key: "k", Value: text("2"), Attr: &stays})
		g.told(g.unlessLocal("remove k"), "", "put k=2")
		g.see("k", "2")
		if e, shared := g.shares()["k"]; shared != (g.Mode() == Replicate) || shared && e.State != cache.Tombstone {
			t.Errorf("peers hold a tombstone, we say %+v", e)
		}
	})
}

func TestAttributes(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		own := cache.Attributes{Eternal: true, Size: 7}
		g.do(cache.Command{Op: cache.Put, Key: "k", Value: text("1"), Attr: &own})
		g.told("", "", "") // IsLateral, IsRemote, IsSpool are all false
		if e, _ := g.Get(g.now, "k"); *e.Attr != own {
			t.Errorf("%+v", e.Attr)
		}
		own.Size = 8
		if e, _ := g.Get(g.now, "k"); e.Attr.Size != 7 {
			t.Error("the region holds the caller's attributes, which may change")
		}
		for size := range 3 * maxInterned {
			own.Size = size
			g.do(cache.Command{Op: cache.Put, Key: "k", Value: text("1"), Attr: &own})
			if e, _ := g.Get(g.now, "k"); e.Attr.Size != size {
				t.Fatalf("size %d: %+v", size, e.Attr)
			}
		}
		if n := len(g.interned); n > maxInterned {
			t.Errorf("%d attributes kept", n)
		}
	})
}

func TestValuesHeld(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		v := &struct{ n int }{1}
		g.do(cache.Command{Op: cache.Put, Key: "k", Value: cache.Value{Held: v, Form: cache.FormJava}})
		if e, _ := g.Get(g.now, "k"); e.Value.Held != v || e.Value.Form != cache.FormJava {
			t.Errorf("%+v", e.Value)
		}
	})
}

func TestPlainKeysAndValuesAreCopied(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for _, s := range []Settings{{MaxObjects: -1}, {MaxObjects: -1, Policy: "lru"}} {
		g := open(t, Local, s)
		key := big[:16]
		g.put(key, "")
		h, _ := g.mem.peek(key, hashOf(key, g.seed))
		if unsafe.StringData(h.Key) == unsafe.StringData(key) {
			t.Errorf("%s keeps alive the text the key was cut from", g.policyName())
		}
	}
}

func TestBadCommands(t *testing.T) {
	long := strings.Repeat("k", cache.MaxKey+1)
	inEach(t, func(t *testing.T, g *rig) {
		g.put("a:b", "1")
		g.told(g.sent("a:b", "1"), "", "put a:b=1")
		before := g.digest.Load()
		for _, c := range []struct {
			name string
			c    cache.Command
			want error
		}{
			{"no key", cache.Command{Op: cache.Put}, cache.ErrKey},
			{"a prefix as key", cache.Command{Op: cache.Put, Key: "a:"}, cache.ErrKey},
			{"a prefix as key", cache.Command{Op: cache.PutIfAbsent, Key: "a:"}, cache.ErrKey},
			{"a prefix as key", cache.Command{Op: cache.Update, Key: "a:"}, cache.ErrKey},
			{"a floor as key", cache.Command{Op: cache.Put, Key: cache.FloorKey(cache.RemoveAll, "")}, cache.ErrKey},
			{"a floor as key", cache.Command{Op: cache.Remove, Key: cache.FloorKey(cache.Remove, "a:")}, cache.ErrKey},
			{"no key", cache.Command{Op: cache.Remove}, cache.ErrKey},
			{"no tag", cache.Command{Op: cache.RemoveTag}, cache.ErrTag},
			{"a long tag", cache.Command{Op: cache.RemoveTag, Key: long[:cache.MaxTag+1]}, cache.ErrTag},
			{"tags out of order", cache.Command{Op: cache.Put, Key: "k", Attr: &cache.Attributes{Tags: "b\x00a"}}, cache.ErrTag},
			{"no group", cache.Command{Op: cache.RemoveGroup}, cache.ErrKey},
			{"a long key", cache.Command{Op: cache.Get, Key: long}, cache.ErrTooLarge},
			{"a long key", cache.Command{Op: cache.Put, Key: long}, cache.ErrTooLarge},
			{"a long group", cache.Command{Op: cache.RemoveGroup, Key: long[:cache.MaxGroup+1]}, cache.ErrTooLarge},
			{"a prefix whose floor is too long", cache.Command{Op: cache.Remove, Key: long[:cache.MaxKey-1] + ":"}, cache.ErrTooLarge},
			{"a long value", cache.Command{Op: cache.Put, Key: "k", Value: text(strings.Repeat("v", cache.MaxValue+1))}, cache.ErrTooLarge},
			{"a long pattern", cache.Command{Op: cache.Keys, Pattern: long}, cache.ErrTooLarge},
			{"a bad pattern", cache.Command{Op: cache.Keys, Pattern: "a("}, nil},
			{"brackets that close ours", cache.Command{Op: cache.GetMatching, Pattern: "a)|(b"}, nil},
			{"no operation", cache.Command{}, nil},
			{"no such operation", cache.Command{Op: 200}, nil},
			{"a merge without a stamp", cache.Command{Op: cache.Merge, Key: "k", Origin: cache.FromSync}, nil},
			{"a merge of a prefix", cache.Command{Op: cache.Merge, Key: "a:", Stamp: at(1, 2), Origin: cache.FromSync}, cache.ErrKey},
			{"a merge of no key", cache.Command{Op: cache.Merge, Stamp: at(1, 2), State: cache.Tombstone, Origin: cache.FromSync}, cache.ErrKey},
			{"a merge of no floor", cache.Command{Op: cache.Merge, Key: "k", Stamp: at(1, 2), State: cache.Floor, Origin: cache.FromSync}, cache.ErrKey},
			{"a merge of what was forgotten", cache.Command{Op: cache.Merge, Key: "k", Stamp: at(1, 2), State: cache.Forgotten, Origin: cache.FromSync}, nil},
			{"a merge of no state", cache.Command{Op: cache.Merge, Key: "k", Stamp: at(1, 2), State: 99, Origin: cache.FromSync}, nil},
		} {
			_, err := g.Apply(g.now, c.c)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
		g.told("", "", "")
		g.see("a:b", "1")
		if st := g.Stats(); g.digest.Load() != before || st.Puts != 1 || st.Removes != 0 {
			t.Errorf("a refused command changed something: %+v", st)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	lateral := []Binding{{Kind: cache.Lateral, Aux: &ear{}, Gates: sendsValues}}
	for _, s := range []Settings{{}, {Name: strings.Repeat("n", cache.MaxRegion+1)}, {Name: "x", Attr: cache.DefaultAttributes, Auxiliaries: lateral}} {
		if _, err := New(s, &cache.Clock{}, nil); err == nil {
			t.Errorf("%+v was accepted without a digest", s)
		}
	}
}

// What a peer sends is applied and never sent on; a disk still takes it.
func TestFromPeers(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		rep := g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "k", Value: text("1"), Stamp: at(5, 2)})
		if rep.Stamp != at(5, 2) {
			t.Errorf("%+v", rep)
		}
		g.see("k", "1")
		g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "k", Value: text("old"), Stamp: at(4, 3)})
		g.see("k", "1")
		if rep := g.put("k", "2"); !at(5, 2).Before(rep.Stamp) {
			t.Errorf("the clock did not follow: %s", rep.Stamp)
		}
		g.told(g.sent("k", "2"), "", "put k=2")
		// Where only removals travel they always drop; else the newer wins.
		g.do(cache.Command{Op: cache.Remove, Origin: cache.FromLateral, Key: "k", Stamp: at(3, 2)})
		if g.Mode() == Replicate {
			g.see("k", "2")
			g.told("", "", "")
		} else {
			g.see("k", "")
			g.told("", "remove k", "remove k") // which the peer writes there: nothing older is believed meanwhile
		}
		ahead := g.now + cache.DefaultMaxAhead.Milliseconds() + 1
		g.put("k", "3")
		g.told(g.sent("k", "3"), "", "put k=3")
		g.do(cache.Command{Op: cache.RemoveAll, Origin: cache.FromLateral, Stamp: cache.StampAt(ahead, 9)})
		if g.Mode() == Replicate {
			g.see("k", "3")
			g.told("", "", "")
		} else {
			g.see("k", "")
			g.told("", "remove-all", "remove-all")
		}
		if st := g.Stats(); st.Puts != 2 || st.Received+st.Stale != 4 || g.Mode() == Replicate && st.Stale != 3 {
			t.Errorf("%+v", st)
		}
	})
}

func TestHashFilter(t *testing.T) {
	for _, policy := range []string{"", "lru"} {
		g := open(t, Invalidate, Settings{MaxObjects: 10, Policy: policy})
		from := func(hash uint64) cache.Reply {
			return g.do(cache.Command{Op: cache.Remove, Origin: cache.FromLateral, Key: "k", Stamp: at(1, 2), Hash: hash})
		}
		g.put("k", "1")
		from(ValueHash("1"))
		g.see("k", "1")
		if st := g.Stats(); st.Filtered != 1 || st.Received != 0 {
			t.Errorf("%+v", st)
		}
		from(ValueHash("2"))
		g.see("k", "")
		g.put("k", "1")
		from(0)
		g.see("k", "")
		// Go values of which no bytes are known must not look equal.
		g.peers.take()
		g.do(cache.Command{Op: cache.Put, Key: "k", Value: cache.Value{Held: 1}})
		if g.peers.told[0].Hash != 0 {
			t.Error("a value without bytes is sent with a hash")
		}
		from(ValueHash(""))
		if _, ok := g.Get(g.now, "k"); ok {
			t.Error("a value without bytes was taken for the empty one")
		}
	}
}
