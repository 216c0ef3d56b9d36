// SPDX-License-Identifier: Apache-2.0

package region

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// heard returns what a watcher has been told since the last call.
func heard(t *testing.T, w *Watcher) string {
	t.Helper()
	w.mu.Lock()
	n := len(w.queue)
	w.mu.Unlock()
	if n == 0 {
		return ""
	}
	events, err := w.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		s := e.Kind.String()
		if e.Kind == cache.Removed && e.Op != cache.Remove {
			s += " " + e.Op.String()
		}
		s = strings.TrimSpace(s + " " + e.Element.Key)
		if e.Kind == cache.Written {
			s += "=" + e.Element.Value.Bytes
		}
		if e.Found {
			s += "!"
		}
		if e.Caller != 0 {
			s += fmt.Sprint("@", e.Caller)
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestWatch(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		t.Run(m.String(), func(t *testing.T) {
			life := cache.DefaultAttributes
			life.Eternal, life.MaxLife = false, time.Minute
			g := open(t, m, Settings{MaxObjects: -1, Attr: life, Policy: "lru"})
			w := g.Watch(100)
			defer w.Close()
			expect := func(want string) {
				t.Helper()
				if got := heard(t, w); got != want {
					t.Errorf("heard %q, want %q", got, want)
				}
			}
			g.do(cache.Command{Op: cache.Put, Key: "a", Value: cache.Value{Bytes: "1"}, Caller: 7})
			g.do(cache.Command{Op: cache.PutIfAbsent, Key: "a", Value: cache.Value{Bytes: "2"}})
			g.do(cache.Command{Op: cache.Put, Key: "a", Value: cache.Value{Bytes: "3"}})
			expect("written a=1@7, written a=3!")
			g.do(cache.Command{Op: cache.Remove, Key: "a"})
			g.do(cache.Command{Op: cache.Remove, Key: "a"})
			expect("removed a!, removed a")
			later := cache.StampAt(g.now+1, 9)
			g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "p:b", Value: cache.Value{Bytes: "b"}, Stamp: later})
			g.do(cache.Command{Op: cache.Remove, Key: "p:"})
			g.do(cache.Command{Op: cache.RemoveAll})
			expect("written p:b=b, removed p:!, removed remove-all")
			g.do(cache.Command{Op: cache.Put, Key: "x", Value: cache.Value{Bytes: "x"}})
			g.do(cache.Command{Op: cache.Put, Key: "y", Value: cache.Value{Bytes: "y"}})
			g.now += 2 * time.Minute.Milliseconds()
			g.do(cache.Command{Op: cache.Get, Key: "x"})
			g.Shrink(g.now)
			expect("written x=x, written y=y, expired x, expired y")
			g.DropAll(g.now)
			expect("missed")
		})
	}
}

func TestWatchHearsOfEviction(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: 1})
	w := g.Watch(100)
	g.do(cache.Command{Op: cache.Put, Key: "a"})
	g.now++
	g.do(cache.Command{Op: cache.Put, Key: "b"})
	if got := heard(t, w); got != "written a=, written b=, evicted a" {
		t.Error(got)
	}
	w.Close()
	w.Close()
	g.do(cache.Command{Op: cache.Put, Key: "c"})
	if got := heard(t, w); got != "" || g.watched() {
		t.Errorf("after Close it heard %q", got)
	}
}

func TestSlowWatcherHearsOfItsGap(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	slow, quick := g.Watch(3), g.Watch(100)
	defer slow.Close()
	defer quick.Close()
	for i := range 5 {
		g.do(cache.Command{Op: cache.Put, Key: fmt.Sprint(i)})
	}
	if got := heard(t, slow); got != "missed, written 3=, written 4=" {
		t.Errorf("the slow one heard %q", got)
	}
	if got := heard(t, quick); got != "written 0=, written 1=, written 2=, written 3=, written 4=" {
		t.Errorf("the quick one heard %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := slow.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with nothing to tell: %v", err)
	}
}

func TestSeen(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		g := open(t, m, Settings{MaxObjects: -1})
		none, other := cache.Stamp{}, cache.StampAt(5, 5)
		first := g.do(cache.Command{Op: cache.Put, Key: "k", Value: cache.Value{Bytes: "1"}, Seen: &none})
		if first.Conflict {
			t.Fatalf("%s: nothing was there, as was seen", m)
		}
		for _, op := range []cache.Op{cache.Put, cache.Remove} {
			for _, seen := range []*cache.Stamp{&none, &other} {
				if rep := g.do(cache.Command{Op: op, Key: "k", Seen: seen}); !rep.Conflict || !rep.Found || rep.Element.Value.Bytes != "1" {
					t.Errorf("%s, %s: something else was seen: %+v", m, op, rep)
				}
			}
		}
		second := g.do(cache.Command{Op: cache.Put, Key: "k", Value: cache.Value{Bytes: "2"}, Seen: &first.Stamp})
		if e, ok := g.Get(g.now, "k"); second.Conflict || !ok || e.Value.Bytes != "2" {
			t.Errorf("%s: what was seen is there: %+v", m, second)
		}
		if rep := g.do(cache.Command{Op: cache.Remove, Key: "k", Seen: &second.Stamp}); rep.Conflict || !rep.Found {
			t.Errorf("%s: what was seen is not removed: %+v", m, rep)
		}
		if rep := g.do(cache.Command{Op: cache.Remove, Key: "k", Seen: &second.Stamp}); !rep.Conflict || rep.Found {
			t.Errorf("%s: nothing is there any more: %+v", m, rep)
		}
	}
}
