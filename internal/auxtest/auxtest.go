// SPDX-License-Identifier: Apache-2.0

// Package auxtest is what every auxiliary of a region must do, whatever is
// behind it: one suite for disk, peers and remote tiers.
package auxtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

// Region is the name of the region that auxiliaries are opened for.
const Region = "aux"

// A Subject is an auxiliary under test.
type Subject struct {
	cache.Auxiliary
	// Settle returns when what was noted has got to where Fetch looks for it.
	Settle func()
	// Reopen ends the auxiliary and opens it again; nil: nothing outlives it.
	Reopen func() Subject
	// Base is a time (ms) that stamps may have; 0: any.
	Base int64
}

// Run runs the suite. open makes an auxiliary with nothing in it.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for name, test := range map[string]func(t *testing.T, s *suite){
		"put, newer, removed": versions, "what elements consist of": elements, "many removed at once": many,
		"late arrivals": late, "many callers": callers,
	} {
		for _, how := range []string{"fresh", "reopened"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				s := &suite{Subject: open(t), t: t}
				if s.Base == 0 {
					s.Base = time.Now().UnixMilli() - 60_000
				}
				s.again = how == "reopened" && s.Reopen != nil
				test(t, s)
			})
		}
	}
}

type suite struct {
	Subject
	t     *testing.T
	again bool // it is opened again before it is asked
}

// settle has everything arrive, and the auxiliary opened again if it is to be.
func (s *suite) settle() {
	s.t.Helper()
	s.Settle()
	if s.again {
		base := s.Base
		s.Subject = s.Reopen()
		s.Base = base
	}
}

func (s *suite) stamp(ms int) cache.Stamp { return cache.StampAt(s.Base+int64(ms), 7) }

func (s *suite) put(key, value string, ms int) { s.putAs(key, value, ms, &cache.DefaultAttributes) }

func (s *suite) putAs(key, value string, ms int, a *cache.Attributes) {
	s.Note(cache.Change{Op: cache.Put, Region: Region, Element: cache.Element{Key: key, Value: cache.Value{Bytes: value}, Attr: a,
		Stamp: s.stamp(ms), Accessed: s.Base + int64(ms)}})
}

func (s *suite) remove(op cache.Op, key string, ms int) {
	s.Note(cache.Change{Op: op, Region: Region, Element: cache.Element{Key: key, Stamp: s.stamp(ms), State: cache.Tombstone}})
}

// see checks what a key has; "" is nothing.
func (s *suite) see(key, want string) cache.Element {
	s.t.Helper()
	e, ok, err := s.Fetch(s.t.Context(), Region, key)
	if err != nil || ok != (want != "") || e.Value.Bytes != want || ok && (e.Key != key || e.State != cache.Live) {
		s.t.Errorf("%s is %.80q (%v, %v), want %.80q", cache.KeyText(key), e.Value.Bytes, ok, err, want)
	}
	return e
}

func versions(_ *testing.T, s *suite) {
	s.see("never", "")
	s.put("k", "1", 1)
	s.put("k2", "1", 2)
	s.settle()
	s.see("k", "1")
	s.see("never", "")
	s.put("k", "2", 3)
	s.remove(cache.Remove, "k2", 4)
	s.settle()
	s.see("k", "2")
	s.see("k2", "")
	s.put("k2", "again", 5)
	s.settle()
	s.see("k2", "again")
}

func elements(t *testing.T, s *suite) {
	tags, err := cache.JoinTags("b", "a")
	if err != nil {
		t.Fatal(err)
	}
	lives := cache.Attributes{Spool: true, Lateral: true, MaxLife: time.Hour, MaxIdle: 2 * time.Hour, Size: 3, Tags: tags}
	keys := []string{"text", "with\x00zero", cache.PlainKey("\x00first"), cache.GroupKey("g", "k"), cache.JavaKey('I', "7"), "\xff\xfe", strings.Repeat("long", 1000), "colon:in:it", "ü"}
	for i, k := range keys {
		s.putAs(k, "v"+k, i+1, &lives)
	}
	big := strings.Repeat("x", 1<<20)
	s.put("big", big, 90)
	s.Note(cache.Change{Op: cache.Put, Region: Region, Element: cache.Element{Key: "java", Value: cache.Value{Bytes: "\xac\xed", Form: cache.FormJava}, Attr: &cache.DefaultAttributes, Stamp: s.stamp(91)}})
	s.settle()
	for i, k := range keys {
		e := s.see(k, "v"+k)
		if e.Attr == nil || *e.Attr != lives || e.Stamp != s.stamp(i+1) {
			t.Errorf("%q: %+v, %s", k, e.Attr, e.Stamp)
		}
	}
	s.see("big", big)
	if e := s.see("java", "\xac\xed"); e.Value.Form != cache.FormJava {
		t.Errorf("its form is %d", e.Value.Form)
	}
}

func many(t *testing.T, s *suite) {
	tag, err := cache.JoinTags("red")
	if err != nil {
		t.Fatal(err)
	}
	red := cache.DefaultAttributes
	red.Tags = tag
	fill := func(ms int) {
		s.put("p:1", "v", ms)
		s.put("p:1:2", "v", ms+1)
		s.put("px", "v", ms+2)
		s.put(cache.GroupKey("g", "1"), "v", ms+3)
		s.put(cache.GroupKey("gg", "1"), "v", ms+4)
		s.putAs("tagged", "v", ms+5, &red)
	}
	keys := []string{"p:1", "p:1:2", "px", cache.GroupKey("g", "1"), cache.GroupKey("gg", "1"), "tagged"}
	for i, c := range []struct {
		op   cache.Op
		key  string
		gone string // of keys, by number
	}{{cache.Remove, "p:", "01"}, {cache.RemoveGroup, "g", "3"}, {cache.RemoveTag, "red", "5"}, {cache.RemoveAll, "", "012345"}, {cache.Remove, "p:1:", "1"}} {
		fill(100 * (i + 1))
		s.settle()
		s.remove(c.op, c.key, 100*(i+1)+50)
		s.settle()
		for k, key := range keys {
			s.see(key, map[bool]string{false: "v"}[strings.Contains(c.gone, fmt.Sprint(k))])
		}
	}
	fill(900)
	s.settle()
	for _, key := range keys {
		s.see(key, "v") // newer than all of that
	}
}

// late: what is older and comes later changes nothing.
func late(_ *testing.T, s *suite) {
	s.put("k", "new", 10)
	s.put("k", "old", 5)
	s.settle()
	s.see("k", "new")
	s.put("k", "older", 4)
	s.settle()
	s.see("k", "new")
}

// callers write and read at once: each sees whole values of its own key.
func callers(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	var writers, readers sync.WaitGroup
	for w := range 4 {
		key := fmt.Sprint("w", w)
		writers.Go(func() {
			for i := range 200 {
				s.put(key, strings.Repeat(fmt.Sprint(i, ","), 50), 10+i)
			}
		})
		readers.Go(func() {
			for ctx.Err() == nil {
				e, ok, err := s.Fetch(ctx, Region, key)
				first, _, _ := strings.Cut(e.Value.Bytes, ",")
				if ok && err == nil && e.Value.Bytes != strings.Repeat(first+",", 50) {
					t.Errorf("%s is %.40q", key, e.Value.Bytes)
					return
				}
				time.Sleep(10 * time.Microsecond)
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	s.settle()
	for w := range 4 {
		s.see(fmt.Sprint("w", w), strings.Repeat("199,", 50))
	}
}
