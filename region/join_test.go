// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
	"lateral/fields"
)

// A node of TestHashesConverge: a region and what it has told its peers.
type hashNode struct {
	*Region
	ear    ear
	digest sum
	read   []int // of what each node told, how much was delivered here
}

func hashNodes(t rapid.TB, n int) []*hashNode {
	var out []*hashNode
	for i := range n {
		h := &hashNode{read: make([]int, n)}
		r, err := New(Settings{Name: "s", MaxObjects: -1, Attr: cache.DefaultAttributes, Join: fields.Join,
			Auxiliaries: []Binding{{Name: "LTCP", Kind: cache.Lateral, Aux: &h.ear, Gates: sendsValues}}},
			&cache.Clock{Node: cache.NodeID(i + 1)}, &h.digest)
		if err != nil {
			t.Fatal(err)
		}
		h.Region = r
		out = append(out, h)
	}
	return out
}

func (h *hashNode) view(t rapid.TB, now int64) string {
	e, ok := h.Get(now, "k")
	if !ok || e.Value.Form != cache.FormHash {
		return fmt.Sprint(ok, e.Value.Bytes)
	}
	f, err := fields.Decode(e.Value.Bytes, e.Stamp)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(maps.Collect(f.All()))
}

// write makes one change as a front does: read, change, put if nothing else
// came in between.
func (h *hashNode) write(t *rapid.T, now int64, what int) {
	c := cache.Command{Op: cache.Put, Key: "k"}
	e, ok := h.Get(now, "k")
	var f fields.Hash
	if ok && e.Value.Form == cache.FormHash {
		var err error
		if f, err = fields.Decode(e.Value.Bytes, e.Stamp); err != nil {
			t.Fatal(err)
		}
	}
	switch name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "field"); what {
	case 0:
		c.Op = cache.Remove
	case 1:
		c.Value.Bytes = fmt.Sprint(now)
	case 2:
		f.Remove(name, true)
		c.Value = f.Value()
	default:
		if _, err := f.Set(name, fmt.Sprint(now)); err != nil {
			t.Fatal(err)
		}
		c.Value = f.Value()
	}
	c.Seen = &e.Stamp
	if rep, err := h.Apply(now, c); err != nil || rep.Conflict {
		t.Fatalf("%v, conflict %v", err, rep.Conflict)
	}
}

func (h *hashNode) deliver(t *rapid.T, now int64, from *hashNode, n int) {
	for _, c := range from.ear.told[h.read[n]:] {
		h.read[n]++
		e := c.Element
		if _, err := h.Apply(now, cache.Command{Op: c.Op, Origin: cache.FromLateral, Key: e.Key, Value: e.Value, Attr: e.Attr, Stamp: e.Stamp, Accessed: e.Accessed}); err != nil {
			t.Fatal(err)
		}
	}
}

// sync makes two nodes compare the one key as the mesh does: the larger stamp
// goes to the other side.
func (h *hashNode) sync(t *rapid.T, now int64, o *hashNode) {
	a, ok := h.Lookup("k")
	b, ok2 := o.Lookup("k")
	if !ok && !ok2 || a.Stamp == b.Stamp {
		return
	}
	to, e := o, a
	if a.Stamp.Before(b.Stamp) {
		to, e = h, b
	}
	if _, err := to.Apply(now, cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: e.Key, Value: e.Value, Attr: e.Attr, Stamp: e.Stamp, State: e.State}); err != nil {
		t.Fatal(err)
	}
}

// Whatever three nodes write into one key, in whatever order they hear of it,
// once all is delivered and synced they hold the same fields under one stamp.
func TestHashesConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns, now := hashNodes(t, 3), base
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			now += int64(rapid.IntRange(0, 3).Draw(t, "ms"))
			i, j := rapid.IntRange(0, 2).Draw(t, "node"), rapid.IntRange(0, 2).Draw(t, "from")
			switch what := rapid.IntRange(0, 12).Draw(t, "what"); {
			case what < 7:
				ns[i].write(t, now, what)
			case i != j && what < 11:
				ns[i].deliver(t, now, ns[j], j)
			case i != j:
				ns[i].sync(t, now, ns[j])
			}
		}
		for i, n := range ns {
			for j, from := range ns {
				if i != j {
					n.deliver(t, now, from, j)
				}
			}
		}
		// Each round of syncs brings some two nodes together; what is joined
		// only grows, so a few rounds are enough for three.
		for range 6 {
			ns[0].sync(t, now, ns[1])
			ns[1].sync(t, now, ns[2])
			ns[2].sync(t, now, ns[0])
		}
		for _, n := range ns[1:] {
			if a, b := ns[0].view(t, now), n.view(t, now); a != b || ns[0].digest.Load() != n.digest.Load() {
				t.Fatalf("%s and %s, digests %x and %x", a, b, ns[0].digest.Load(), n.digest.Load())
			}
		}
	})
}

// Two nodes write different fields of one hash before they hear of each other.
func TestHashKeepsBothFields(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := hashNodes(t, 2)
		for i, name := range []string{"x", "y"} {
			var f fields.Hash
			if _, err := f.Set(name, "1"); err != nil {
				t.Fatal(err)
			}
			if _, err := ns[i].Apply(base+int64(i), cache.Command{Op: cache.Put, Key: "k", Value: f.Value()}); err != nil {
				t.Fatal(err)
			}
		}
		ns[0].deliver(t, base+2, ns[1], 1)
		ns[1].deliver(t, base+2, ns[0], 0)
		for i, n := range ns {
			if got := n.view(t, base+2); got != "map[x:1 y:1]" {
				t.Fatalf("node %d: %s", i, got)
			}
		}
		if ns[0].digest.Load() != ns[1].digest.Load() {
			t.Fatal("the digests differ")
		}
	})
}
