// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"lateral/cache"
)

// interleave runs every order in which actors with so many steps each can take
// them. run is handed, step by step, whose turn it is.
func interleave(steps []int, run func(order []int)) (n int) {
	left := append([]int(nil), steps...)
	var order []int
	var next func()
	next = func() {
		over := true
		for actor := range left {
			if left[actor] == 0 {
				continue
			}
			over = false
			left[actor]--
			order = append(order, actor)
			next()
			order = order[:len(order)-1]
			left[actor]++
		}
		if over {
			n++
			run(order)
		}
	}
	next()
	return n
}

// A world is a source with one value and regions that cache it.
type world struct {
	t      *testing.T
	nodes  []*rig
	key    string
	source int
	ticket bool              // taken before the load; else when its value is kept
	attr   *cache.Attributes // of fills
}

// loader has three steps: ticket, load, fill.
func (w *world) loader(node int) []func() {
	g := w.nodes[node]
	var t Ticket
	var read int
	return []func(){
		func() { t = g.Ticket(w.key) },
		func() { read = w.source },
		func() {
			if !w.ticket {
				t = g.Ticket(w.key)
			}
			if _, err := g.Fill(g.now, cache.Command{Key: w.key, Value: text(fmt.Sprint(read)), Attr: w.attr}, 0, t); err != nil {
				w.t.Error(err)
			}
		},
	}
}

func (w *world) commit() { w.source++ }

// run takes the steps of all actors in order.
func (w *world) run(order []int, actors ...[]func()) {
	at := make([]int, len(actors))
	for _, a := range order {
		actors[a][at[a]]()
		at[a]++
	}
}

// stale counts the nodes that hold something else than the source.
func (w *world) stale() (n int) {
	for _, g := range w.nodes {
		if e, ok := g.Peek(g.now, w.key); ok && e.Value.Bytes != fmt.Sprint(w.source) {
			n++
		}
	}
	return n
}

// Two writers and the loaders of one node, in every order, for every way in
// which a key can be invalidated: a stale value stays without tickets, and
// never with them.
func TestStaleFillLocally(t *testing.T) {
	group := cache.GroupKey("g", "p")
	for name, c := range map[string]struct {
		key string
		do  func(g *rig, key string)
	}{
		"remove":           {"k", func(g *rig, key string) { g.remove(key) }},
		"remove version":   {"k", func(g *rig, key string) { g.do(cache.Command{Op: cache.Remove, Key: key, Value: VersionValue(1)}) }},
		"remove here":      {"k", func(g *rig, key string) { g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: key}) }},
		"prefix":           {"p:k", func(g *rig, key string) { g.remove("p:") }},
		"prefix here":      {"p:k", func(g *rig, key string) { g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: "p:"}) }},
		"group":            {group, func(g *rig, key string) { g.do(cache.Command{Op: cache.RemoveGroup, Key: "g"}) }},
		"tag":              {"k", func(g *rig, key string) { g.do(cache.Command{Op: cache.RemoveTag, Key: "x"}) }},
		"all":              {"k", func(g *rig, key string) { g.do(cache.Command{Op: cache.RemoveAll}) }},
		"gap":              {"k", func(g *rig, key string) { g.DropAll(g.now) }},
		"peer's removal":   {"k", func(g *rig, key string) { g.receive(cache.Command{Op: cache.Remove, Key: key}) }},
		"peer's floor":     {"p:k", func(g *rig, key string) { g.receive(cache.Command{Op: cache.Remove, Key: "p:"}) }},
		"merged tombstone": {"k", func(g *rig, key string) { g.receive(cache.Command{Op: cache.Merge, Key: key, State: cache.Tombstone}) }},
		"merged floor": {"k", func(g *rig, key string) {
			g.receive(cache.Command{Op: cache.Merge, Key: cache.FloorKey(cache.RemoveAll, ""), State: cache.Floor})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			loaders := 1
			if name == "remove" && !testing.Short() && !raceEnabled {
				loaders = 2
			}
			for _, m := range []Mode{Local, Invalidate, Replicate} {
				for _, ticket := range []bool{false, true} {
					got, runs := staleLocally(t, m, ticket, loaders, c.key, c.do)
					t.Logf("%s, tickets %v: %d of %d orders", m, ticket, got, runs)
					if ticket && got != 0 || !ticket && got == 0 {
						t.Errorf("%s, tickets %v: a stale value is held after %d of %d orders", m, ticket, got, runs)
					}
				}
			}
		})
	}
}

func staleLocally(t *testing.T, m Mode, ticket bool, loaders int, key string, invalidate func(g *rig, key string)) (stale, runs int) {
	g := open(t, m, Settings{MaxObjects: 1000, Policy: "lru"})
	steps := []int{2, 2, 3, 3}[:2+loaders]
	runs = interleave(steps, func(order []int) {
		g.now++
		w := &world{t: t, nodes: []*rig{g}, key: key, ticket: ticket, attr: lawTags[2]}
		writer := []func(){w.commit, func() { invalidate(g, key) }}
		actors := [][]func(){writer, writer, w.loader(0), w.loader(0)}
		w.run(order, actors[:len(steps)]...)
		stale += w.stale()
		g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: key})
		g.peers.take()
		g.disk.take()
		g.remote.take()
	})
	return stale, runs
}

// A removal that is skipped because the value held equals the peer's voids
// tickets all the same: what is being loaded may be older.
func TestFilteredRemovalVoids(t *testing.T) {
	g := open(t, Invalidate, Settings{MaxObjects: 10})
	g.put("k", "new")
	old := g.Ticket("k")
	g.receive(cache.Command{Op: cache.Remove, Key: "k", Hash: ValueHash("new")})
	if g.Stats().Filtered != 1 || g.fill("k", "old", old) {
		t.Errorf("%+v", g.Stats())
	}
	g.see("k", "new")
}

// receive applies what a peer did just now.
func (g *rig) receive(c cache.Command) {
	g.t.Helper()
	c.Origin, c.Stamp = cache.FromLateral, g.clock.Next(g.now)
	c.Stamp.Node = 2
	g.do(c)
}

// Two nodes with a writer and a loader each, in every order of commits,
// removals, their arrival at the other node, and loads.
func TestStaleFillAcrossNodes(t *testing.T) {
	for _, ticket := range []bool{false, true} {
		a, b := open(t, Invalidate, Settings{MaxObjects: -1, Policy: "lru"}), open(t, Invalidate, Settings{MaxObjects: -1, Policy: "lru"})
		w := &world{t: t, nodes: []*rig{a, b}, key: "k", ticket: ticket}
		writer := func(from, to *rig) []func() {
			var sent []cache.Change
			return []func(){w.commit,
				func() {
					from.remove(w.key)
					from.peers.mu.Lock()
					sent, from.peers.told = from.peers.told, nil
					from.peers.mu.Unlock()
				},
				func() {
					if len(sent) != 1 {
						t.Fatalf("told %v", sent)
					}
					to.do(cache.Command{Op: sent[0].Op, Origin: cache.FromLateral, Key: sent[0].Element.Key, Stamp: sent[0].Element.Stamp, Hash: sent[0].Hash})
				}}
		}
		steps := []int{3, 3, 3, 3}
		if testing.Short() || raceEnabled {
			steps = steps[:3]
		}
		stale := 0
		runs := interleave(steps, func(order []int) {
			w.source = 0
			actors := [][]func(){writer(a, b), w.loader(1), w.loader(0), writer(b, a)}
			w.run(order, actors[:len(steps)]...)
			stale += w.stale()
			for _, g := range w.nodes {
				g.now++
				g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: w.key})
				g.disk.take()
				g.remote.take()
			}
		})
		t.Logf("tickets %v: %d orders, %d end with a stale value", ticket, runs, stale)
		if ticket && stale != 0 || !ticket && stale == 0 {
			t.Errorf("tickets %v: %d of %d", ticket, stale, runs)
		}
	}
}

// Whatever stores a value voids tickets too: a load that began before it must
// not take its place. What does not change a key does not.
func TestTicket(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		for name, c := range map[string]struct {
			do   func(key string)
			void bool
		}{
			"put": {func(key string) { g.put(key, "new") }, true},
			"put here": {func(key string) {
				g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: key, Value: text("new")})
			}, true},
			"update":          {func(key string) { g.do(cache.Command{Op: cache.Update, Key: key, Value: text("new")}) }, true},
			"put if absent":   {func(key string) { g.do(cache.Command{Op: cache.PutIfAbsent, Key: key, Value: text("new")}) }, true},
			"peer's put":      {func(key string) { g.receive(cache.Command{Op: cache.Put, Key: key, Value: text("new")}) }, true},
			"get":             {func(key string) { g.Get(g.now, key) }, false},
			"another fill":    {func(key string) { g.fill(key, "new", g.Ticket(key)) }, false},
			"another key":     {func(key string) { other := g.apart(key); g.put(other, "new"); g.remove(other) }, false},
			"shrink":          {func(key string) { g.Shrink(g.now) }, false},
			"many keys named": {func(key string) { g.do(cache.Command{Op: cache.Keys}) }, false},
		} {
			key := "key of " + name
			before := g.Stats()
			ticket := g.Ticket(key)
			c.do(key)
			if (g.Ticket(key) != ticket) != c.void {
				t.Errorf("%s: new tickets differ is %v", name, !c.void)
			}
			if stored := g.fill(key, "loaded", ticket); stored == c.void {
				t.Errorf("%s: stored is %v", name, stored)
			}
			if after := g.Stats(); (after.RejectedFills != before.RejectedFills) != c.void {
				t.Errorf("%s: rejected fills %d, %d before", name, after.RejectedFills, before.RejectedFills)
			}
			g.see(key, map[bool]string{true: "new", false: "loaded"}[c.void])
		}
	})
}

// apart returns a key that shares no counter with another one.
func (g *rig) apart(key string) string {
	other := "other"
	for stripeOf(hashOf(other, g.seed)) == stripeOf(hashOf(key, g.seed)) {
		other += "!"
	}
	return other
}

func (g *rig) fill(key, value string, t Ticket) bool {
	g.t.Helper()
	stored, err := g.Fill(g.now, cache.Command{Key: key, Value: text(value)}, 0, t)
	if err != nil {
		g.t.Error(err)
	}
	return stored
}

// A fill is not a write: nobody is told, nothing is counted as a put, and what
// a peer writes takes its place whatever the stamps.
func TestFillIsNoWrite(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		if !g.fill("k", "v", g.Ticket("k")) {
			t.Fatal("rejected")
		}
		g.see("k", "v")
		g.told("", "", "")
		if st := g.Stats(); st.Puts != 0 || st.Fills != 1 || st.Received != 0 {
			t.Errorf("%+v", st)
		}
		if g.Mode() == Replicate {
			if _, shared := g.Lookup("k"); shared {
				t.Error("the digest counts it")
			}
			g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "k", Value: text("peer's"), Stamp: at(-1000, 2)})
			g.see("k", "peer's")
			// A merge needs no ticket.
			old := g.Ticket("k")
			g.remove("other")
			g.DropAll(g.now)
			if ok, err := g.Fill(g.now, cache.Command{Origin: cache.FromLateral, Key: "k", Value: text("peer's"), Stamp: at(-1000, 2)}, 0, old); !ok || err != nil {
				t.Error(ok, err)
			}
			g.see("k", "peer's")
		}
		for _, c := range []cache.Command{{Key: ""}, {Key: "p:"}, {Key: "k", Value: text(strings.Repeat("x", cache.MaxValue+1))}} {
			if ok, err := g.Fill(g.now, c, 0, g.Ticket(c.Key)); ok || err == nil {
				t.Errorf("%q: %v, %v", c.Key, ok, err)
			}
		}
	})
}

// A peer's answer is kept only where no removal can have arrived here and not
// there.
func TestQuiet(t *testing.T) {
	for name, invalidate := range map[string]func(g *rig){
		"remove": func(g *rig) { g.remove("k") },
		"all":    func(g *rig) { g.do(cache.Command{Op: cache.RemoveAll}) },
		"gap":    func(g *rig) { g.DropAll(g.now) },
	} {
		for _, policy := range []string{"", "lru"} {
			g := &rig{t: t, now: base}
			lateral := sendsRemovals
			lateral.AllowGet = true
			r, err := New(Settings{Name: "test", MaxObjects: 100, Policy: policy, Attr: cache.DefaultAttributes, Quiet: 3 * second,
				Auxiliaries: []Binding{{Name: "LTCP", Kind: cache.Lateral, Aux: &g.peers, Gates: lateral}}}, &cache.Clock{Node: 1}, nil)
			if err != nil {
				t.Fatal(err)
			}
			g.Region = r
			answer := func(key string, want bool) {
				t.Helper()
				got, err := g.Fill(g.now, cache.Command{Origin: cache.FromLateral, Key: key, Value: text("v"), Stamp: at(5, 2)}, 0, g.Ticket(key))
				if err != nil || got != want {
					t.Errorf("%s: kept is %v, %v", name, got, err)
				}
			}
			invalidate(g) // before the first ticket
			answer("k", false)
			g.pass(4 * second)
			answer("k", true)
			g.pass(second)
			invalidate(g)
			answer("k", false)
			g.see("k", "")
			if !g.fill("k", "from the source", g.Ticket("k")) {
				t.Error("only peers may be behind")
			}
			g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: "k"})
			g.pass(3 * second)
			answer("k", false)
			g.now++
			answer("k", true)
		}
	}
}

// heldUp is a memory whose next store waits.
type heldUp struct {
	memory
	storing, release chan struct{}
	locked           chan struct{} // told of each lock that is asked for meanwhile
}

func (m *heldUp) store(h held, hash uint64, now int64) {
	close(m.storing)
	<-m.release
	m.memory.store(h, hash, now)
}

func (m *heldUp) lock(hash uint64) {
	select {
	case <-m.storing:
		select {
		case m.locked <- struct{}{}:
		default:
		}
	default:
	}
	m.memory.lock(hash)
}

// A removal of everything waits for a fill that has found its ticket valid and
// is not in memory yet, where a sweep would miss it.
func TestRemovalOfManyWaitsForFill(t *testing.T) {
	for name, remove := range map[string]func(g *rig){
		"all": func(g *rig) { g.do(cache.Command{Op: cache.RemoveAll}) },
		"gap": func(g *rig) { g.DropAll(g.now) },
	} {
		g := open(t, Local, Settings{MaxObjects: 10}) // tinylfu: the others sweep under the lock that a fill holds
		m := &heldUp{memory: g.mem, storing: make(chan struct{}), release: make(chan struct{}), locked: make(chan struct{}, 1)}
		g.mem = m
		ticket := g.Ticket("k")
		var wg sync.WaitGroup
		wg.Go(func() { g.fill("k", "stale", ticket) })
		<-m.storing
		over := make(chan struct{})
		wg.Go(func() { remove(g); close(over) })
		select {
		case <-m.locked: // it waits
		case <-over: // it does not
		}
		close(m.release)
		wg.Wait()
		if _, ok := m.memory.peek("k", hashOf("k", g.seed)); ok {
			t.Errorf("%s: a stale value is held", name)
		}
	}
}

// A fill that meets a removal of everything is before it, and goes, or after
// it, and is rejected.
func TestFillsMeetRemovalOfMany(t *testing.T) {
	rounds := 3000
	if raceEnabled || testing.Short() {
		rounds = 500
	}
	for _, policy := range []string{"", "lru"} {
		g := open(t, Local, Settings{MaxObjects: -1, Policy: policy})
		for i := range 200 {
			g.put(fmt.Sprint("ballast", i), "v")
		}
		for i := range rounds {
			keys := make([]string, 8)
			tickets := make([]Ticket, len(keys))
			for j := range keys {
				keys[j] = fmt.Sprintf("p:%d,%d", i, j)
				tickets[j] = g.Ticket(keys[j])
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				for j, key := range keys {
					g.fill(key, "stale", tickets[j])
				}
			})
			g.remove("p:")
			wg.Wait()
			for _, key := range keys {
				if _, ok := g.Peek(g.now, key); ok {
					t.Fatalf("%s stays", key)
				}
			}
		}
		g.mustAudit()
	}
}
