// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"lateral/cache"
	"lateral/resp"
)

// next reads what comes unasked.
func (c *conn) next(want string) {
	c.t.Helper()
	if got := c.answer(); got != want {
		c.t.Errorf("got %s, want %s", got, want)
	}
}

// quiet finds nothing that came unasked: what was sent before PING is read
// before its answer.
func (c *conn) quiet() {
	c.t.Helper()
	c.expect("PONG", "PING")
}

// later returns in another millisecond than it is called in: what is written
// by a node that has not heard of another's write is newer only then.
func later() {
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		runtime.Gosched()
	}
}

// A value kept by a client of one node is invalidated by a write through
// another, in every region whose changes travel.
func TestTrackingAcrossNodes(t *testing.T) {
	s := newSite(t, 2)
	for _, db := range []string{"1", "2", "3"} {
		a, b := s.client(0, db), s.client(1, db)
		a.do("HELLO", "3")
		a.expect("OK", "CLIENT", "TRACKING", "ON")
		a.do("SET", "k", "v")
		a.do("GET", "marker")
		a.do("SET", "marker", "v")
		a.next(">invalidate [marker]<") // and so the write before it has been heard of
		a.expect("v", "GET", "k")
		later()
		b.do("DEL", "k")
		a.next(">invalidate [k]<")
		a.expect("nil", "GET", "k") // what is not there is kept, too
		b.do("SET", "k", "v2")
		if db == "1" { // a fill elsewhere; the next change of the source is a removal
			b.do("DEL", "k")
		}
		a.next(">invalidate [k]<")
		b.do("DEL", "k") // not read since: nobody is told
		a.expect("[nil]", "MGET", "x")
	}
}

func TestTrackingModes(t *testing.T) {
	s := newSite(t, 1)
	w := s.client(0, "2")
	fresh := func(args ...string) *conn {
		t.Helper()
		c := s.client(0, "2")
		c.do("HELLO", "3")
		c.expect("OK", append([]string{"CLIENT", "TRACKING", "ON"}, args...)...)
		return c
	}
	// A marker that everybody hears in his mode tells that nothing else came before.
	t.Run("own writes", func(t *testing.T) {
		c := fresh()
		c.expect("nil", "GET", "k")
		c.expect("OK", "SET", "k", "v")
		c.next(">invalidate [k]<")
	})
	t.Run("NOLOOP", func(t *testing.T) {
		c := fresh("NOLOOP")
		c.do("GET", "k")
		c.do("GET", "marker")
		c.expect("OK", "SET", "k", "v")
		w.do("SET", "marker", "1")
		c.next(">invalidate [marker]<")
	})
	t.Run("BCAST", func(t *testing.T) {
		c := fresh("BCAST", "PREFIX", "a:", "PREFIX", "b:")
		w.do("SET", "c:1", "v")
		w.do("SET", "b:1", "v")
		c.next(">invalidate [b:1]<")
		w.do("DEL", "b:1")
		c.next(">invalidate [b:1]<")
		c.expect("-ERR Prefix 'a:x' overlaps with an existing prefix 'a:'. Prefixes for a single client must not overlap.", "CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a:x")
		c.expect("-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.", "CLIENT", "TRACKING", "ON")
		c.expect("{flags (on bcast) redirect #0 prefixes [a: b:]}", "CLIENT", "TRACKINGINFO")
	})
	t.Run("OPTIN", func(t *testing.T) {
		c := fresh("OPTIN")
		c.do("GET", "k")
		c.expect("OK", "CLIENT", "CACHING", "YES")
		c.do("GET", "marker")
		c.do("GET", "k")
		w.do("SET", "k", "v")
		w.do("SET", "marker", "v")
		c.next(">invalidate [marker]<")
		c.do("CLIENT", "CACHING", "YES")
		c.do("MULTI")
		c.do("GET", "x")
		c.do("GET", "y")
		c.do("EXEC")
		c.do("GET", "k")
		for _, k := range []string{"k", "y", "x"} {
			w.do("SET", k, "v")
		}
		c.next(">invalidate [y]<")
		c.next(">invalidate [x]<")
	})
	t.Run("OPTOUT", func(t *testing.T) {
		c := fresh("OPTOUT")
		c.expect("OK", "CLIENT", "CACHING", "NO")
		c.do("GET", "k")
		c.do("GET", "marker")
		w.do("SET", "k", "v")
		w.do("SET", "marker", "v")
		c.next(">invalidate [marker]<")
	})
	t.Run("REDIRECT", func(t *testing.T) {
		to, c := s.client(0, "2"), s.client(0, "2")
		id := to.do("CLIENT", "ID")[1:]
		to.do("SUBSCRIBE", "__redis__:invalidate")
		c.expect("OK", "CLIENT", "TRACKING", "ON", "REDIRECT", id)
		c.do("GET", "k")
		w.do("SET", "k", "v")
		to.next("[message __redis__:invalidate [k]]")
		c.expect("#"+id, "CLIENT", "GETREDIR")
		c.expect("-ERR The client ID you want redirect to does not exist", "CLIENT", "TRACKING", "ON", "REDIRECT", "999999")
	})
	t.Run("all at once", func(t *testing.T) {
		c := fresh()
		c.do("GET", "k")
		w.do("FLUSHDB") // of the database's region, and that of the prefix
		c.next(">invalidate nil<")
		c.next(">invalidate nil<")
		c.do("GET", "p:1")
		if _, err := s.nodes[0].Do(t.Context(), cache.Command{Op: cache.Remove, Region: "Rep", Key: "p:"}); err != nil {
			t.Fatal(err)
		}
		c.next(">invalidate [p:1]<")
		c.do("SET", "gone", "v", "PX", "1")
		c.do("GET", "gone")
		w.until("nil", "GET", "gone")
		c.next(">invalidate [gone]<")
		c.expect("OK", "CLIENT", "TRACKING", "OFF")
		c.do("GET", "k")
		w.do("SET", "k", "v")
		c.quiet()
	})
}

// Where more keys are tracked than there is room for, a client is told to
// forget one of them.
func TestTrackedKeysAreBounded(t *testing.T) {
	s := newSite(t, 1, func(c *resp.Config) { c.TrackedKeys = 3 })
	c := s.client(0, "2")
	c.do("HELLO", "3")
	c.do("CLIENT", "TRACKING", "ON")
	for i := range 3 {
		c.expect("nil", "GET", fmt.Sprint(i))
	}
	c.send("GET", "3")
	got := c.answer() + c.answer()
	if n := len(got); n != len("nil>invalidate [0]<") {
		t.Errorf("the fourth key: %s", got)
	}
}

// A reader that keeps what it has read until it is told otherwise never keeps
// an old value for good, however reads and writes meet.
func TestTrackingHasNoGap(t *testing.T) {
	s := newSite(t, 2)
	r, w := s.client(0, "2"), s.client(1, "2")
	r.do("HELLO", "3")
	r.do("CLIENT", "TRACKING", "ON")
	const last = 2000
	go func() {
		for i := range last + 1 {
			w.send("SET", "k", fmt.Sprint(i))
			if _, err := w.read(); err != nil {
				return
			}
		}
	}()
	for held := ""; held != fmt.Sprint(last); {
		r.send("GET", "k")
		for held = r.answer(); held == ">invalidate [k]<"; held = r.answer() {
		}
		if held != fmt.Sprint(last) { // kept until told otherwise, which must come
			r.next(">invalidate [k]<")
		}
	}
}
