// SPDX-License-Identifier: Apache-2.0

package region

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zeebo/xxh3"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"lateral/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// base is the time at which every test starts.
const base = int64(1_700_000_000_000)

// sum is the simplest digest: the sum of a hash over key and stamp.
type sum struct{ atomic.Uint64 }

func (d *sum) Add(key string, s cache.Stamp)            { d.Uint64.Add(mix(key, s)) }
func (d *sum) Remove(key string, s cache.Stamp)         { d.Uint64.Add(-mix(key, s)) }
func (d *sum) Replace(key string, old, now cache.Stamp) { d.Remove(key, old); d.Add(key, now) }

func mix(key string, s cache.Stamp) uint64 {
	b := binary.BigEndian.AppendUint64([]byte(key), s.Time)
	return xxh3.Hash(binary.BigEndian.AppendUint64(b, uint64(s.Node)))
}

// ear is an auxiliary that writes down what it is told.
type ear struct {
	mu   sync.Mutex
	told []cache.Change
	void []cache.Element // what a disk was told that memory has something newer of
}

func (a *ear) Note(c cache.Change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Op == cache.Put && c.Element.State == cache.Forgotten {
		a.void = append(a.void, c.Element)
		return
	}
	a.told = append(a.told, c)
}

func (a *ear) Fetch(context.Context, string, string) (e cache.Element, ok bool, err error) { return }

// take returns what was told since the last call, like "put k=v, remove k".
func (a *ear) take() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, c := range a.told {
		s := c.Op.String() + " " + cache.KeyText(c.Element.Key)
		if c.Op == cache.Put {
			s += "=" + c.Element.Value.Bytes
		}
		if c.Hash != 0 {
			s += "#"
		}
		out = append(out, strings.TrimSpace(s))
	}
	a.told = nil
	return strings.Join(out, ", ")
}

// A rig is a region with ears at its auxiliaries and a clock on the wall.
type rig struct {
	*Region
	t           rapid.TB
	now         int64
	digest      sum
	disk, peers ear
	remote      ear
}

var (
	sendsValues   = Gates{UseLateral: true, UseRemote: true, UseDisk: true, AllowPut: true, Receive: true, FilterRemoveByHashCode: true}
	sendsRemovals = Gates{UseLateral: true, UseRemote: true, UseDisk: true, AllowPut: true, IssueRemoveOnPut: true, Receive: true, FilterRemoveByHashCode: true}
)

// open makes a rig: with a lateral of the mode, a disk that takes what
// overflows and a remote tier.
func open(t rapid.TB, m Mode, s Settings) *rig {
	t.Helper()
	g := &rig{t: t, now: base}
	if s.Name == "" {
		s.Name = "test"
	}
	if s.Attr == (cache.Attributes{}) {
		s.Attr = cache.DefaultAttributes
	}
	lateral := sendsValues
	if m == Invalidate {
		lateral = sendsRemovals
	}
	if m != Local {
		s.Auxiliaries = append(s.Auxiliaries, Binding{Name: "LTCP", Kind: cache.Lateral, Aux: &g.peers, Gates: lateral})
	}
	s.Auxiliaries = append(s.Auxiliaries,
		Binding{Name: "DC", Kind: cache.Disk, Aux: &g.disk, Gates: lateral},
		Binding{Name: "RC", Kind: cache.RemoteTier, Aux: &g.remote, Gates: lateral})
	r, err := New(s, &cache.Clock{Node: 1}, &g.digest)
	if err != nil {
		t.Fatal(err)
	}
	if r.Mode() != m {
		t.Fatalf("mode %s, want %s", r.Mode(), m)
	}
	g.Region = r
	return g
}

// do applies a command that must not fail.
func (g *rig) do(c cache.Command) cache.Reply {
	g.t.Helper()
	rep, err := g.Apply(g.now, c)
	if err != nil {
		g.t.Fatalf("%s %q: %v", c.Op, c.Key, err)
	}
	return rep
}

func (g *rig) put(key, value string) cache.Reply {
	g.t.Helper()
	return g.do(cache.Command{Op: cache.Put, Key: key, Value: text(value)})
}

func (g *rig) remove(key string) cache.Reply {
	g.t.Helper()
	return g.do(cache.Command{Op: cache.Remove, Key: key})
}

// see fails unless key has the value; "" is absent.
func (g *rig) see(key, want string) {
	g.t.Helper()
	e, ok := g.Get(g.now, key)
	if got := e.Value.Bytes; got != want || ok != (want != "") {
		g.t.Errorf("%s is %q (%v), want %q", key, got, ok, want)
	}
}

// told fails unless the ears heard these since the last call.
func (g *rig) told(peers, disk, remote string) {
	g.t.Helper()
	for _, c := range []struct{ who, got, want string }{
		{"peers", g.peers.take(), peers}, {"the disk", g.disk.take(), disk}, {"the remote", g.remote.take(), remote},
	} {
		if c.got != c.want {
			g.t.Errorf("%s were told %q, want %q", c.who, c.got, c.want)
		}
	}
}

// pass lets time go by.
func (g *rig) pass(d time.Duration) { g.now += d.Milliseconds() }

// shares lists what Each offers.
func (g *rig) shares() map[string]cache.Element {
	all := map[string]cache.Element{}
	g.Each(func(e cache.Element) bool {
		if _, twice := all[e.Key]; twice {
			g.t.Errorf("Each offers %q twice", e.Key)
		}
		all[e.Key] = e
		return true
	})
	return all
}

// audit checks what must hold after anything: the digest is that of what Each
// offers, the counters are right and the bounds are kept.
func (g *rig) audit() error {
	var want uint64
	for _, e := range g.shares() {
		want += mix(e.Key, e.Stamp)
	}
	if got := g.digest.Load(); got != want {
		return fmt.Errorf("digest %x, but what is there sums up to %x", got, want)
	}
	if t, ok := g.mem.(*table); ok {
		return t.audit()
	}
	return g.mem.(*tiny).audit()
}

func (t *tiny) audit() error {
	var n int
	var bytes int64
	t.each(func(h held) bool { n++; bytes += int64(len(h.Key) + len(h.Value.Bytes)); return true })
	if live, dead, b := t.size(); live != n || dead != 0 || b != bytes {
		return fmt.Errorf("size says %d live, %d dead, %d bytes; there are %d of %d bytes", live, dead, b, n, bytes)
	}
	return nil
}

// audit checks index, heap, slots and counters against each other.
func (t *table) audit() error {
	var n, dead, bytes int64
	for i := range t.shards {
		s := &t.shards[i]
		for pos, slot := range s.heap {
			e := s.at(slot)
			n, dead, bytes = n+1, dead+deadness(e.state), bytes+int64(len(e.data))
			switch f, at := s.find(e.key(), e.hash); {
			case f != e || at != slot:
				return fmt.Errorf("the index does not lead to %q", e.key())
			case int(e.pos) != pos:
				return fmt.Errorf("%q is at %d in the heap and thinks %d", e.key(), pos, e.pos)
			case pos > 0 && s.before(slot, s.ranks[pos], s.heap[(pos-1)/2], s.ranks[(pos-1)/2]):
				return fmt.Errorf("%q is smaller than its parent in the heap", e.key())
			case t.policy.order(e) < s.ranks[pos]:
				return fmt.Errorf("%q has rank %d, which is no lower bound of %d", e.key(), s.ranks[pos], t.policy.order(e))
			}
		}
		cells := 0
		for _, c := range s.index {
			if c != 0 {
				cells++
			}
		}
		if cells != len(s.heap) || len(s.ranks) != len(s.heap) || int(s.used) != len(s.heap)+len(s.free) {
			return fmt.Errorf("%d cells, %d in the heap, %d slots of which %d free", cells, len(s.heap), s.used, len(s.free))
		}
	}
	if t.elements.Load() != n || t.dead.Load() != dead || t.bytes.Load() != bytes {
		return fmt.Errorf("counted %d (%d dead, %d bytes), there are %d (%d, %d)", t.elements.Load(), t.dead.Load(), t.bytes.Load(), n, dead, bytes)
	}
	if t.full() && n > 0 {
		return fmt.Errorf("over its bounds: %d elements, %d bytes", n, bytes)
	}
	return nil
}

func (g *rig) mustAudit() {
	g.t.Helper()
	if err := g.audit(); err != nil {
		g.t.Error(err)
	}
}

func text(s string) cache.Value { return cache.Value{Bytes: s} }

// at is the stamp of a node, so many milliseconds after the start.
func at(ms int64, node cache.NodeID) cache.Stamp { return cache.StampAt(base+ms, node) }
