// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/auxtest"
	"lateral/internal/redistest"
)

// quick are times that a test can wait for.
func quick(addrs ...string) Config {
	return Config{Addrs: addrs, Timeout: 500 * time.Millisecond, Heartbeat: 50 * time.Millisecond, Silent: time.Second}
}

// TestReadable: what redis-cli sees is what the package comment says.
func TestReadable(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	r := run(t, quick(srv.Addr()), false).works()
	s := r.put("4711", "anna")
	r.flush()
	if got := srv.CLI("HGETALL", "lateral:aux:4711"); got != s.String()+"\nanna" {
		t.Errorf("HGETALL: %q", got)
	}
	r.put("4711", "bob")
	r.flush()
	if got := srv.CLI("HVALS", "lateral:aux:4711"); got != "bob" {
		t.Errorf("older versions are there still: %q", got)
	}
	var ms int64
	if fmt.Sscan(srv.CLI("PTTL", "lateral:aux:4711"), &ms); ms < 23*3600_000 || ms > 24*3600_000+1 {
		t.Errorf("its expiry is in %d ms, not the region's longest life", ms)
	}
	life := cache.Attributes{Lateral: true, Remote: true, Spool: true, MaxLife: time.Minute, MaxIdle: -1}
	r.Note(cache.Change{Op: cache.Put, Region: auxtest.Region, Element: cache.Element{Key: "short", Value: cache.Value{Bytes: "v"}, Attr: &life, Stamp: r.m.Stamp()}})
	r.flush()
	if fmt.Sscan(srv.CLI("PTTL", "lateral:aux:short"), &ms); ms < 50_000 || ms > 60_001 {
		t.Errorf("its expiry is in %d ms, not its lifetime", ms)
	}
	s = r.m.Stamp()
	r.Note(cache.Change{Op: cache.Remove, Region: auxtest.Region, Element: cache.Element{Key: "4711", Stamp: s, State: cache.Tombstone}})
	r.flush()
	if got := srv.CLI("HGETALL", "lateral:aux:4711"); got != s.String()+" removed" {
		t.Errorf("its removal: %q", got)
	}
	if fmt.Sscan(srv.CLI("PTTL", "lateral:aux:4711"), &ms); ms < late.Milliseconds() || ms > 2*late.Milliseconds()+1 {
		t.Errorf("the removal is remembered for %d ms", ms)
	}
}

// TestFromOutside: what others write, as versions, as strings, and delete.
func TestFromOutside(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	r := run(t, quick(srv.Addr()), false).works()
	r.put("k", "mine")
	r.flush()
	held := func() bool { _, ok := r.m.Look("k"); return ok }
	time.Sleep(ownFor / 10)
	if !held() || r.get("k") != "mine" {
		t.Fatal("this node's own write was dropped by its invalidation")
	}
	srv.CLI("SET", "lateral:aux:k", "theirs")
	r.until("k is dropped", func() bool { return !held() })
	if got := r.get("k"); got != "theirs" {
		t.Errorf("%q", got)
	}
	srv.CLI("SET", "lateral:aux:k", "brief", "PX", "100000")
	if e, ok, err := r.Fetch(t.Context(), "", "k"); !ok || err != nil || e.Attr.MaxLife <= 90*time.Second || e.Attr.MaxLife > 100*time.Second {
		t.Errorf("%+v %v %v", e, ok, err)
	}
	r.put("k", "mine again") // over a string
	r.flush()
	if got := srv.CLI("HVALS", "lateral:aux:k"); got != "mine again" {
		t.Errorf("%q", got)
	}
	srv.CLI("DEL", "lateral:aux:k")
	r.until("k is dropped", func() bool { return !held() })
	if got := r.get("k"); got != "" {
		t.Errorf("%q", got)
	}
	srv.CLI("HSET", "lateral:aux:odd", "some field", "x")
	srv.CLI("RPUSH", "lateral:aux:list", "x")
	srv.CLI("SET", "lateral:aux:prefix:", "x") // would be the removal of many
	srv.CLI("SET", "lateral:other:k", "x")     // a region that nobody has here
	for _, k := range []string{"odd", "list"} {
		if got := r.get(k); got != "" {
			t.Errorf("%s: %q", k, got)
		}
	}
	if st := r.Status(); st.Odd == 0 {
		t.Errorf("%+v", st)
	}
	if n := at(r.m, func(m *memory) int { return m.drops["prefix:"] }); n != 0 {
		t.Error("a key that stands for many was dropped")
	}
	srv.CLI("FLUSHALL")
	r.until("a gap", func() bool { return at(r.m, func(m *memory) int { return m.gaps }) >= 2 })
}

// TestIdle: an element that is read here and nobody writes does not idle out because
// the server hears of no reads; one that is not read does.
func TestIdle(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	r := run(t, quick(srv.Addr()), false).works()
	idle := cache.Attributes{Spool: true, Lateral: true, Remote: true, MaxLife: -1, MaxIdle: 400 * time.Millisecond}
	for _, key := range []string{"used", "unused"} {
		e := cache.Element{Key: key, Value: cache.Value{Bytes: "v"}, Attr: &idle, Stamp: r.m.Stamp()}
		e.Accessed = e.Stamp.UnixMilli()
		r.m.mu.Lock()
		r.m.held[key] = e
		r.m.mu.Unlock()
		r.Note(cache.Change{Op: cache.Put, Region: auxtest.Region, Element: e})
	}
	r.flush()
	time.Sleep(idle.MaxIdle / 8) // the invalidations of its own writes are here
	r.mu.Lock()
	clear(r.own) // as later
	r.mu.Unlock()
	used := func() { // now and then
		r.m.mu.Lock()
		if e, ok := r.m.held["used"]; ok {
			e.Accessed = time.Now().UnixMilli()
			r.m.held["used"] = e
		}
		r.m.mu.Unlock()
	}
	for began := time.Now(); time.Since(began) < 3*idle.MaxIdle; time.Sleep(10 * time.Millisecond) {
		used()
	}
	if _, ok := r.m.Look("used"); !ok {
		t.Error("it was dropped while it was in use")
	}
	r.until("it is on the server again", func() bool { used(); return r.get("used") == "v" })
	r.until("the other one is dropped", func() bool { _, ok := r.m.Look("unused"); return !ok })
	if got := r.get("unused"); got != "" {
		t.Errorf("%q", got)
	}
}

// TestRestart: a server that is killed and returns empty. What was noted meanwhile
// gets there, whatever was found before is dropped, and writers never wait.
func TestRestart(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	r := run(t, quick(srv.Addr()), false).works()
	r.put("before", "1")
	r.flush()
	gaps := at(r.m, func(m *memory) int { return m.gaps })
	losses := r.s.Losses()
	srv.Kill()
	r.until("the loss is noticed", func() bool { _, down := r.s.Since(); return down })
	if r.s.Losses() == losses || r.Status().Why == "" {
		t.Errorf("%+v", r.Status())
	}
	if _, ok, err := r.Fetch(t.Context(), "", "before"); ok || !errors.Is(err, ErrDown) {
		t.Errorf("%v %v", ok, err)
	}
	for i := range 100 {
		r.put(fmt.Sprint("k", i), "v")
		r.put(fmt.Sprint("k", i), "w") // the later counts
	}
	if got := r.get("k1"); got != "w" { // of what waits
		t.Errorf("%q", got)
	}
	if st := r.Status(); st.Queued != 100 {
		t.Errorf("%+v", st)
	}
	srv.Start()
	r.works()
	r.flush()
	if n := at(r.m, func(m *memory) int { return m.gaps }); n <= gaps {
		t.Error("memory was not told of the gap")
	}
	for i := range 100 {
		if got := r.get(fmt.Sprint("k", i)); got != "w" {
			t.Errorf("k%d: %q", i, got)
		}
	}
	if got := r.get("before"); got != "" {
		t.Errorf("an empty server has %q", got)
	}
}

// TestSlow: a server that is stopped holds up nobody who writes, and a get for
// as long as Timeout says; what waits gets there when it goes on.
func TestSlow(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := quick(srv.Addr())
	c.MaxQueued = 50
	r := run(t, c, false).works()
	r.put("old", "value")
	r.flush()
	srv.Stop()
	for i := range 200 {
		r.put(fmt.Sprint("k", i), "v")
	}
	r.put("old", "new") // no room, unless the writer has just taken a batch: what the server has is void
	r.until("the loss is noticed", func() bool { _, down := r.s.Since(); return down })
	if _, ok, err := r.Fetch(t.Context(), "", "none"); ok || !errors.Is(err, ErrDown) {
		t.Errorf("%v %v", ok, err)
	}
	if st := r.Status(); st.Lost < 100 || st.Queued > 50+201 || st.Lag <= 0 {
		t.Errorf("%+v", st)
	}
	srv.Continue()
	r.works()
	r.flush()
	if got := r.get("old"); got != "" && got != "new" {
		t.Errorf("a value that was replaced is there: %q", got)
	}
	n := 0
	for i := range 200 {
		if r.get(fmt.Sprint("k", i)) == "v" {
			n++
		}
	}
	if n < 40 || uint64(n)+r.Status().Lost < 200 {
		t.Errorf("%d of 200 are there, %d are counted as lost", n, r.Status().Lost)
	}
}

// trackers are the commands that kill the connections on which a server tells of changes.
func trackers(srv *redistest.Server) (kill []string) {
	for line := range strings.Lines(srv.CLI("CLIENT", "LIST")) {
		if m := regexp.MustCompile(`^id=(\d+) .* flags=\S*B`).FindStringSubmatch(line); m != nil {
			kill = append(kill, "CLIENT KILL ID "+m[1])
		}
	}
	return kill
}

// TestTrackingLost: the connection that tells of changes is killed, and nothing else.
func TestTrackingLost(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	for _, byStamp := range []bool{false, true} {
		c := quick(srv.Addr())
		c.Prefix = fmt.Sprint("p", byStamp)
		r := run(t, c, byStamp).works()
		s := r.put("k", "1")
		r.flush()
		gaps, losses := at(r.m, func(m *memory) int { return m.gaps }), r.s.Losses()
		newer := cache.Element{Key: "k", Value: cache.Value{Bytes: "2"}, Attr: &cache.DefaultAttributes, Stamp: cache.Stamp{Time: s.Time + 1, Node: 3}}
		// All at once: the change is made where nobody can be told of it.
		srv.Pipe(append(append([]string{"MULTI"}, trackers(srv)...), fmt.Sprintf("HSET %s:aux:k %q 2", c.Prefix, fieldOf(&newer)), "EXEC")...)
		r.until("the loss is noticed", func() bool { return r.s.Losses() > losses })
		if byStamp { // compared: the newer version is taken in
			r.until("the newer version is here", func() bool { e, _ := r.m.Look("k"); return e.Value.Bytes == "2" })
			continue
		}
		r.until("a gap", func() bool { return at(r.m, func(m *memory) int { return m.gaps }) > gaps })
		r.works()
		if got := r.get("k"); got != "2" {
			t.Errorf("%q", got)
		}
	}
}

// TestTwoNodes: of two nodes' writes the larger stamp wins whatever arrives first, and
// both come to have it.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	for _, byStamp := range []bool{false, true} {
		c := quick(srv.Addr())
		c.Prefix = fmt.Sprint("p", byStamp)
		a, b := run(t, c, byStamp).works(), run(t, c, byStamp).works()
		a.put("k", "a")
		a.flush()
		old := b.m.Stamp()
		a.m.clock.Observe(time.Now().UnixMilli(), old)
		a.put("k", "newer")
		a.flush()
		// b has been slow: its write is older, and comes later.
		b.m.mu.Lock()
		b.m.held["k"] = cache.Element{Key: "k", Value: cache.Value{Bytes: "older"}, Attr: &cache.DefaultAttributes, Stamp: old}
		e := b.m.held["k"]
		b.m.mu.Unlock()
		b.Note(cache.Change{Op: cache.Put, Region: auxtest.Region, Element: e})
		b.flush()
		b.until("what is older is let go", func() bool { e, ok := b.m.Look("k"); return !ok || e.Value.Bytes == "newer" })
		if a.get("k") != "newer" || b.get("k") != "newer" {
			t.Errorf("%q %q", a.get("k"), b.get("k"))
		}
		if got := srv.CLI("HVALS", c.Prefix+":aux:k"); got != "newer" {
			t.Errorf("%q", got)
		}
		// A removal of many by one is heard by the other.
		s := a.m.Stamp()
		a.Note(cache.Change{Op: cache.RemoveAll, Region: auxtest.Region, Element: cache.Element{Stamp: s, State: cache.Tombstone}})
		a.flush()
		b.until("the removal is here", func() bool {
			return at(b.m, func(m *memory) bool {
				return len(m.merged) > 0 && m.merged[len(m.merged)-1].Stamp == s && m.merged[len(m.merged)-1].State == cache.Floor
			})
		})
		if got := b.get("k"); got != "" {
			t.Errorf("%q", got)
		}
		a.until("what was removed is deleted", func() bool { return srv.CLI("EXISTS", c.Prefix+":aux:k") == "0" })
	}
}

// TestPeersRemovals: what a peer has removed is not believed, though the peer
// has not written that yet; what is newer is.
func TestPeersRemovals(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	writer, r := run(t, quick(srv.Addr()), false).works(), run(t, quick(srv.Addr()), false).works()
	for _, key := range []string{"k", "p:1", "p:2"} {
		writer.put(key, "v")
	}
	writer.flush()
	r.m.clock.Observe(time.Now().UnixMilli(), writer.m.Stamp())
	told := func(op cache.Op, key string) {
		r.Note(cache.Change{Op: op, Region: auxtest.Region, Element: cache.Element{Key: key, Stamp: r.m.Stamp(), State: cache.Forgotten}})
	}
	told(cache.Remove, "k")
	told(cache.Remove, "p:")
	for _, key := range []string{"k", "p:1", "p:2"} {
		if got := r.get(key); got != "" {
			t.Errorf("%s: %q", key, got)
		}
	}
	if st := r.Status(); st.Queued != 0 || srv.CLI("HVALS", "lateral:aux:k") != "v" {
		t.Errorf("what peers write was written here, too: %+v", st)
	}
	writer.m.clock.Observe(time.Now().UnixMilli(), r.m.Stamp())
	writer.put("k", "newer")
	writer.flush()
	if got := r.get("k"); got != "newer" {
		t.Errorf("%q", got)
	}
}

// TestFull: a server without room keeps nothing new, and nothing that is older.
func TestFull(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	r := run(t, quick(srv.Addr()), false).works()
	r.put("k", "old")
	r.flush()
	srv.CLI("CONFIG", "SET", "maxmemory", "1")
	r.put("k", "new")
	r.flush()
	if got := r.get("k"); got != "" || r.Status().Lost != 1 {
		t.Errorf("%q %+v", got, r.Status())
	}
}

// TestMany: more removals of many than are kept become one of everything.
func TestMany(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	r := run(t, quick(srv.Addr()), false).works()
	r.put("old:k", "v")
	r.put("other", "v")
	r.flush()
	for i := range maxFloors + 10 {
		r.Note(cache.Change{Op: cache.Remove, Region: auxtest.Region, Element: cache.Element{Key: fmt.Sprint("p", i, ":"), Stamp: r.m.Stamp(), State: cache.Tombstone}})
		if i%100 == 0 {
			r.flush()
		}
	}
	r.flush()
	r.until("they are few", func() bool { return len(strings.Split(srv.CLI("HKEYS", "lateral:aux"), "\n")) <= maxFloors+1 })
	r.put("fresh", "v")
	r.flush()
	if r.get("fresh") != "v" || r.get("other") != "" {
		t.Errorf("%q %q", r.get("fresh"), r.get("other"))
	}
}

// TestEnds: who waits for the end of a tier gets an answer.
func TestEnds(t *testing.T) {
	r := run(t, quick("127.0.0.1:1"), false)
	r.put("k", "v")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got := r.get("k"); got != "v" {
		t.Errorf("%q", got)
	}
	r.stop()
}
