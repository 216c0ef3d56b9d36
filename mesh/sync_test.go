// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/converge"
	"lateral/internal/memnet"
)

// differ gives two stations a common past and then so many differences: each
// third is newer here, newer there, or known to one only.
func differ(a, b *station, common, d, size int) {
	value := strings.Repeat("v", size)
	e := func(i int) cache.Element {
		return cache.Element{Key: fmt.Sprint("key", i), Value: cache.Value{Bytes: value}, Attr: &cache.DefaultAttributes, Stamp: a.clock.Next(time.Now().UnixMilli())}
	}
	for i := range common {
		both := e(i)
		a.state.keepLocked(both)
		b.state.keepLocked(both)
	}
	for i := range d {
		switch i % 3 {
		case 0:
			a.state.keepLocked(e(i))
		case 1:
			b.state.keepLocked(e(i))
		default:
			a.state.keepLocked(e(common + i))
		}
	}
}

func equal(a, b *station) bool { return a.state.digest.Root() == b.state.digest.Root() }

// compared has a and b linked and waits until a's first round is complete.
func compared(t *testing.T, a, b *station) {
	t.Helper()
	a.knows(b)
	a.run()
	b.run()
	until(t, time.Minute, "compared", func() bool { return a.peer(b.id).syncedSince(0) || b.peer(a.id).syncedSince(0) })
}

func moved(s *station) (elements, bytes int64) {
	tr := s.Synced("State")
	return int64(tr.ElementsOut), s.counters.syncBytesOut.Load()
}

// What a sync sends is in proportion to what differs, whatever the region
// holds; each element that one side lacks is sent once, and no other.
func TestSyncCostsTheDifference(t *testing.T) {
	for _, x := range []struct{ common, d, bytes int }{
		{50_000, 0, 300},
		{50_000, 1, 2_500},
		{50_000, 100, 20_000},
		{50_000, 2_000, 200_000},
		{50_000, 9_000, 1_500_000}, // more than the sketch that is kept decodes
	} {
		t.Run(fmt.Sprint(x.d), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := memnet.New()
				a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
				const size = 100
				differ(a, b, x.common, x.d, size)
				compared(t, a, b)
				ea, ba := moved(a)
				eb, bb := moved(b)
				if !equal(a, b) || !maps.EqualFunc(a.state.held, b.state.held, func(x, y cache.Element) bool { return x.Stamp == y.Stamp }) {
					t.Error("not equal")
				}
				if ea+eb != int64(x.d) {
					t.Errorf("%d and %d elements were sent, %d differed", ea, eb, x.d)
				}
				if bytes := int(ba + bb); bytes > x.bytes+x.d*(size+60) {
					t.Errorf("%d bytes for %d elements of %d, at most %d beyond them", bytes, x.d, size, x.bytes)
				} else {
					t.Logf("%d differ of %d: %d bytes, %d beyond keys and values", x.d, x.common, bytes, bytes-x.d*(size+30))
				}
				if x, y := a.Synced("State"), b.Synced("State"); x.Last+y.Last == 0 != (ea+eb == 0) || x.BytesIn+x.BytesOut < x.Last {
					t.Errorf("%+v, %+v", x, y)
				}
				a.close()
				b.close()
			})
		})
	}
}

// A region of which more differs than the largest sketch decodes is compared
// in parts.
func TestSyncInParts(t *testing.T) {
	old := nextLevel
	defer func() { nextLevel = old }()
	nextLevel = map[int]int{}
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		differ(a, b, 2000, 1000, 10)
		a.fills.compared(a.c.Regions()) // else it would be filled
		b.fills.compared(b.c.Regions())
		compared(t, a, b)
		ea, _ := moved(a)
		eb, _ := moved(b)
		if !equal(a, b) || ea+eb != 1000 || a.Synced("State").Syncs+b.Synced("State").Syncs < 5 {
			t.Errorf("%d and %d elements of 1000, %+v", ea, eb, a.Synced("State"))
		}
		a.close()
		b.close()
	})
}

// While writers go on, syncs lose and resurrect nothing.
func TestSyncAmongWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		n.SetDelay(at(1), at(2), time.Millisecond)
		n.SetDelay(at(2), at(1), time.Millisecond)
		differ(a, b, 3000, 900, 20)
		a.knows(b)
		a.run()
		b.run()
		settled(t, time.Second, a, b)
		for i := range 300 {
			a.put(a.state, fmt.Sprint("key", i), "a")
			b.put(b.state, fmt.Sprint("key", i+100), "b")
			a.remove(a.state, fmt.Sprint("key", i+700))
			a.peer(2).link().syncShared()
			b.peer(1).link().syncShared()
			time.Sleep(300 * time.Microsecond)
		}
		until(t, time.Minute, "equal", func() bool { return equal(a, b) })
		for i := range 300 {
			if e, ok := b.state.Lookup(fmt.Sprint("key", i+700)); !ok || e.State != cache.Tombstone {
				t.Fatalf("%+v", e)
			}
		}
		a.close()
		b.close()
	})
}

// speak answers a station's frames of a sync until the round has ended, and
// returns what was asked.
func speak(t *testing.T, n *memnet.Net, s *station, answer func(write func([]byte), ft frameType, sc *scan)) {
	c, in := greet(t, n, 2, s)
	for {
		ft, p, err := readFrame(in, nil)
		if err != nil {
			return
		}
		sc := &scan{s: string(p)}
		switch ft {
		case frameEnd:
			c.Close()
			return
		case frameRoot, frameWhich, frameOn, frameWant, frameElements:
			answer(func(f []byte) { c.Write(f) }, ft, sc)
		}
	}
}

// Sketches that are equal though the sums are not are compared again, then
// salted, and not for ever.
func TestSyncInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		s := newStation(t, n, 1, 1)
		s.keep(s.state, "k")
		s.run()
		var salts []uint64
		speak(t, n, s, func(write func([]byte), ft frameType, sc *scan) {
			id := int(sc.uvarint())
			sc.text(100)
			sc.uvarint()
			sc.uvarint()
			level := sc.byte()
			salts = append(salts, sc.uint64())
			same := converge.SketchOf(s.state.digest, s.state, converge.All, int(level), salts[len(salts)-1])
			write(fr(frameCells, id, []byte{level}, appendWords(nil, same)))
		})
		if len(salts) != maxVain+1 || salts[maxVain-1] != 0 || salts[maxVain] == 0 {
			t.Errorf("%x", salts)
		}
		s.close()
	})
}

// A peer can have us hold no more than was asked for, and no more frames than
// it may have unanswered.
func TestSyncIsBounded(t *testing.T) {
	for name, lie := range map[string]func(write func([]byte), ft frameType, sc *scan){
		"keys without end": func(write func([]byte), ft frameType, sc *scan) {
			id := int(sc.uvarint())
			switch ft {
			case frameRoot:
				d := converge.New(1)
				d.Add("k", cache.Stamp{Time: 1 << 60})
				cells := fr(frameCells, id, []byte{firstLevel}, appendWords(nil, d.Sketch(firstLevel)))
				write(cells)
			case frameWhich, frameOn:
				var keys []any
				for i := range 100 {
					keys = append(keys, fmt.Sprint("k", i), most, most)
				}
				write(fr(frameKeys, append([]any{id}, keys...)...))
			}
		},
		"keys that nobody asked for": func(write func([]byte), ft frameType, sc *scan) {
			write(fr(frameKeys, int(sc.uvarint()), "k", most, most))
		},
		"an end that nobody asked for": func(write func([]byte), ft frameType, sc *scan) { write(fr(frameNext, int(sc.uvarint()))) },
		"another sketch": func(write func([]byte), ft frameType, sc *scan) {
			write(fr(frameCells, int(sc.uvarint()), []byte{9}, make([]byte, 8*converge.CellsOf(9))))
		},
		"a sketch too short": func(write func([]byte), ft frameType, sc *scan) {
			write(fr(frameCells, int(sc.uvarint()), []byte{firstLevel}, make([]byte, 8)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := memnet.New()
				s := newStation(t, n, 1, 1)
				s.keep(s.state, "own")
				s.run()
				speak(t, n, s, lie)
				synctest.Wait()
				if s.counters.bad.Load() != 1 {
					t.Errorf("%v", s.countersOf())
				}
				s.close()
			})
		})
	}
	l, _, stop := loneLink()
	defer stop()
	big := strings.Repeat("x", maxSketch)
	for range 2 {
		if err := l.queueSync(frameWhich, big); err != nil {
			t.Error(err)
		}
	}
	if l.queueSync(frameWhich, "x") == nil {
		t.Error("bytes that wait are not bounded")
	}
}
