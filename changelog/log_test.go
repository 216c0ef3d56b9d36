// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"lateral/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func put(region, key, value string, ms int64) *cache.Change {
	return &cache.Change{Op: cache.Put, Region: region, Element: cache.Element{Key: key, Value: cache.Value{Bytes: value},
		Attr: &cache.DefaultAttributes, Stamp: cache.StampAt(ms, owner)}}
}

// keys decodes what a cursor read.
func keys(t interface{ Fatal(...any) }, records []byte) (out []string) {
	for rest := string(records); rest != ""; {
		c, _, more, err := Decode(rest, owner, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, rest = append(out, c.Element.Key), more
	}
	return out
}

func TestNumbersAndNames(t *testing.T) {
	l := New(owner, 0)
	if st := l.Status(); st.First != 1 || st.Next != 1 || st.Limit != DefaultLimit || l.Next() != 1 || l.Owner() != owner {
		t.Errorf("%+v", st)
	}
	for i, r := range []string{"a", "b", "a", "c"} {
		if seq := l.Append(put(r, "k", "v", 1)); seq != uint64(i+1) {
			t.Errorf("number %d, want %d", seq, i+1)
		}
	}
	if n := fmt.Sprint(l.Names(0), l.Names(2), l.Names(3), l.Names(99)); n != "[a b c] [c] [] []" {
		t.Error(n)
	}
	cur, err := l.Cursor(3)
	if err != nil {
		t.Fatal(err)
	}
	records, first, count, err := cur.Read()
	if err != nil || first != 3 || count != 2 || len(keys(t, records)) != 2 || cur.Seq() != 5 {
		t.Errorf("%d changes from %d on, then %d, %v", count, first, cur.Seq(), err)
	}
	if _, _, count, err := cur.Read(); count != 0 || err != nil {
		t.Errorf("%d more, %v", count, err)
	}
	for _, seq := range []uint64{0, 6, 1<<64 - 1} {
		if _, err := l.Cursor(seq); !errors.Is(err, ErrGap) {
			t.Errorf("cursor at %d: %v", seq, err)
		}
	}
}

func TestGapAndMemory(t *testing.T) {
	const limit = 64 << 10
	l := New(owner, limit)
	slow, _ := l.Cursor(1)
	value := strings.Repeat("x", 1000)
	for range 500 {
		l.Append(put("r", "k", value, 1))
		held := 0
		for _, k := range l.chunks {
			held += cap(k.buf)
		}
		if st := l.Status(); held > limit || st.Bytes > held || l.room != held {
			t.Fatalf("%d bytes are held, %d counted, limit %d: %+v", held, l.room, limit, st)
		}
	}
	st := l.Status()
	if st.First == 1 || st.Next != 501 || st.Bytes < limit/2 {
		t.Errorf("%+v", st)
	}
	if _, _, _, err := slow.Read(); !errors.Is(err, ErrGap) {
		t.Errorf("a cursor whose change is gone: %v", err)
	}
	if _, err := l.Cursor(st.First - 1); !errors.Is(err, ErrGap) {
		t.Error(err)
	}
	if cur, err := l.Cursor(st.First); err != nil {
		t.Error(err)
	} else if _, first, _, err := cur.Read(); first != st.First || err != nil {
		t.Error(first, err)
	}
	// One change larger than the limit is held alone.
	l.Append(put("r", "k", strings.Repeat("x", 10*limit), 1))
	if st := l.Status(); st.First != 501 || len(l.chunks) != 1 {
		t.Errorf("%+v in %d chunks", st, len(l.chunks))
	}
	l.Append(put("r", "k", "v", 1))
	if st := l.Status(); len(l.chunks) > 2 || st.Next != 503 {
		t.Errorf("%+v in %d chunks", st, len(l.chunks))
	}
}

func TestLag(t *testing.T) {
	l := New(owner, 64<<10)
	value := strings.Repeat("x", 3000)
	for i := range int64(10) {
		l.Append(put([]string{"a", "b"}[i%2], "k", value, 1000+i))
	}
	foreign := put("b", "k", "", 5000)
	foreign.Element.Stamp.Node = 7
	l.Append(foreign)
	lag := l.Lag(4, 6000)
	if lag.Changes != 7 || lag.Millis != 6000-1004 || lag.Regions["a"].Changes != 3 || lag.Regions["b"].Changes != 4 ||
		lag.Regions["b"].Millis != 6000-1005 || lag.Bytes != lag.Regions["a"].Bytes+lag.Regions["b"].Bytes || lag.Bytes < 6*3000 {
		t.Errorf("%+v", lag)
	}
	if lag := l.Lag(11, 6000); lag.Changes != 0 || lag.Regions != nil {
		t.Errorf("nothing is missing: %+v", lag)
	}
	if lag := l.Lag(10, 6000); lag.Changes != 1 || lag.Millis != 1000 || lag.Regions["b"].Changes != 1 {
		t.Errorf("%+v", lag)
	}
	for range 100 {
		l.Append(put("a", "k", value, 2000))
	}
	// What fell off the tail is counted, though it cannot be looked at.
	if lag := l.Lag(0, 3000); lag.Changes != 111 || lag.Regions["a"].Changes >= 111 || lag.Regions["a"].Changes == 0 {
		t.Errorf("%+v", lag)
	}
}

// Whatever the interleaving of writes and reads, a cursor reads exactly what
// was appended from its position on, or learns that it cannot.
func TestCursorReadsWhatWasAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := New(owner, rapid.SampledFrom([]int{1, 32 << 10, 64 << 10, 1 << 20}).Draw(t, "limit"))
		var all []string
		type reader struct {
			c    *Cursor
			next uint64
		}
		var readers []*reader
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "n") {
					key := fmt.Sprint("k", len(all))
					all = append(all, key)
					size := rapid.SampledFrom([]int{0, 10, 1000, 5000, 70 << 10}).Draw(t, "size")
					if seq := l.Append(put("r", key, strings.Repeat("x", size), 1)); seq != uint64(len(all)) {
						t.Fatalf("number %d, want %d", seq, len(all))
					}
				}
			},
			"open": func(t *rapid.T) {
				seq := rapid.Uint64Range(0, uint64(len(all))+2).Draw(t, "seq")
				st := l.Status()
				c, err := l.Cursor(seq)
				if held := seq >= st.First && seq <= st.Next; held != (err == nil) {
					t.Fatalf("cursor at %d of %+v: %v", seq, st, err)
				}
				if err == nil {
					readers = append(readers, &reader{c, seq})
				}
			},
			"read": func(t *rapid.T) {
				if len(readers) == 0 {
					t.Skip()
				}
				r := rapid.SampledFrom(readers).Draw(t, "reader")
				st := l.Status()
				records, first, count, err := r.c.Read()
				if lost := r.next < st.First; lost != errors.Is(err, ErrGap) {
					t.Fatalf("reader at %d of %+v: %v", r.next, st, err)
				}
				if err != nil {
					return
				}
				if (count == 0) != (r.next == st.Next) || first != r.next {
					t.Fatalf("%d changes from %d on, want them from %d of %+v", count, first, r.next, st)
				}
				if got, want := fmt.Sprint(keys(t, records)), fmt.Sprint(all[first-1:first-1+count]); got != want {
					t.Fatalf("read %s, want %s", got, want)
				}
				r.next += count
			},
		})
	})
}

// A reader that stands still costs neither the writer nor memory; others get
// everything, in order.
func TestRace(t *testing.T) {
	const limit, writers, each = 1 << 20, 4, 5000
	l := New(owner, limit)
	ctx, stop := context.WithCancel(t.Context())
	var run, readers, all sync.WaitGroup
	run.Go(func() { l.Run(ctx) })
	var held []byte // what the slow reader still looks at
	slow, _ := l.Cursor(1)
	value := strings.Repeat("x", 500)
	l.Append(put("r", "k", value, 1))
	held, _, _, _ = slow.Read()
	before := string(held)
	for range 3 {
		readers.Go(func() {
			c, err := l.Cursor(1)
			seen := uint64(0)
			for err == nil && seen < writers*each+1 {
				if !c.Wait(ctx, nil) {
					t.Error("woken for nothing")
					return
				}
				var first, count uint64
				_, first, count, err = c.Read()
				if err == nil && first != seen+1 {
					t.Errorf("change %d after %d", first, seen)
				}
				if err == nil {
					seen += count
				}
			}
			if err != nil && !errors.Is(err, ErrGap) { // the writers may be faster than a scheduler
				t.Error(err)
			}
		})
	}
	for w := range writers {
		all.Go(func() {
			for i := range each {
				l.Append(put(fmt.Sprint("r", w), "k", value, 1))
				if i%100 == 0 {
					l.Lag(0, 5)
					l.Names(0)
				}
			}
		})
	}
	all.Wait()
	readers.Wait()
	stop()
	run.Wait()
	if string(held) != before {
		t.Error("bytes that a reader holds were changed")
	}
	if _, _, _, err := slow.Read(); !errors.Is(err, ErrGap) {
		t.Error(err)
	}
	if l.room > limit {
		t.Errorf("%d bytes", l.room)
	}
	runtime.KeepAlive(held)
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(owner, 0)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { l.Run(ctx); close(done) }()
		c, _ := l.Cursor(1)
		got := make(chan bool, 1)
		other := make(chan struct{}, 1)
		wait := func() { got <- c.Wait(ctx, other) }
		go wait()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("did not wait")
		}
		l.Append(put("r", "k", "v", 1))
		if !<-got {
			t.Error("not woken by a change")
		}
		c.Read()
		go wait()
		other <- struct{}{}
		if <-got {
			t.Error("the other channel is no change")
		}
		go wait()
		synctest.Wait()
		stop()
		if <-got {
			t.Error("the end is no change")
		}
		<-done
		l.Append(put("r", "k", "v", 1)) // nobody listens any more: must not block
		l.Append(put("r", "k", "v", 1))
	})
}

// What more follows wakes nobody until that is told; who looks reads it.
func TestTell(t *testing.T) {
	for _, waiting := range []int{1, fewWaiting + 1} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			l := New(owner, 0)
			go l.Run(ctx)
			var mu sync.Mutex // guards awake; once all sleep it is read without
			awake := 0
			for range waiting {
				cur, err := l.Cursor(1)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					if cur.Wait(ctx, nil) {
						mu.Lock()
						awake++
						mu.Unlock()
					}
				}()
			}
			l.Tell() // nothing
			synctest.Wait()
			c := put("r", "k", "v", 1)
			c.More = true
			l.Append(c)
			synctest.Wait()
			if cur, err := l.Cursor(1); err != nil || awake != 0 || !cur.Wait(ctx, nil) {
				t.Errorf("%d were woken, %v", awake, err)
			}
			l.Tell()
			synctest.Wait()
			if awake != waiting {
				t.Errorf("%d of %d were woken", awake, waiting)
			}
			stop()
		})
	}
}

// A few waiting cursors are woken by the writer itself, many by Run: whether
// it runs or not tells the two apart.
func TestWhoWakes(t *testing.T) {
	for _, waiting := range []int{1, fewWaiting, fewWaiting + 1} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			l := New(1, 0)
			var woken atomic.Int64
			for range waiting {
				c, err := l.Cursor(1)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					if c.Wait(ctx, nil) {
						woken.Add(1)
					}
				}()
			}
			synctest.Wait()
			l.Append(&cache.Change{Op: cache.Remove, Region: "r", Element: cache.Element{Key: "k"}})
			synctest.Wait()
			want := waiting
			if waiting > fewWaiting {
				want = 0
			}
			if woken.Load() != int64(want) {
				t.Errorf("%d wait and nobody runs the log: %d are woken, want %d", waiting, woken.Load(), want)
			}
			go l.Run(ctx)
			synctest.Wait()
			if woken.Load() != int64(waiting) {
				t.Errorf("%d wait: %d are woken", waiting, woken.Load())
			}
			cancel()
			synctest.Wait()
		})
	}
}
