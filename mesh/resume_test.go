// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// However links break, what one writes arrives at the other once and in order.
func TestExactResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		i := 0
		write := func(k int) {
			for range k {
				a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 100))
				i++
			}
		}
		breaks := []func(){
			func() { n.Cut(at(1), at(2)) },
			func() { n.Partition(at(1), at(2)); time.Sleep(12 * time.Second); write(50); n.HealAll() },
			func() { n.Block(at(1), at(2)); write(50); time.Sleep(12 * time.Second); n.HealAll() },
			func() { n.Block(at(2), at(1)); write(50); time.Sleep(12 * time.Second); n.HealAll() },
			func() { write(500); n.Cut(at(1), at(2)); write(50) }, // in the middle of it
			func() { a.knows(b); l := a.peer(2).link(); l.goaway(goaway{Reason: "test"}); write(50) },
		}
		for k, brk := range breaks {
			write(50)
			brk()
			write(50)
			took := until(t, 10*time.Second, fmt.Sprintf("everything there after break %d", k), func() bool { return len(b.state.ops()) >= i })
			t.Logf("break %d: whole again after %v", k, took)
			settled(t, time.Second, a, b)
		}
		if got, want := b.state.ops(), puts(0, i); !slices.Equal(got, want) {
			t.Errorf("%d changes were applied, want %d; the first that differs is number %d", len(got), len(want), firstDiff(got, want))
		}
		if c := a.countersOf(); c["gaps"] != 0 || b.user.gaps != 0 {
			t.Errorf("gaps: %d, emptied %d times", c["gaps"], b.user.gaps)
		}
		if len(a.state.ops()) != 0 {
			t.Errorf("it came back: %v", a.state.ops())
		}
		a.close()
		b.close()
	})
}

func firstDiff(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// A link that replaces another while changes are under way loses none of them.
func TestResumeAfterSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		n.SetDelay(at(1), at(2), 3*time.Millisecond)
		total := 0
		for range 20 {
			for range 20 {
				a.put(a.state, fmt.Sprint("k", total), "v")
				b.put(b.state, fmt.Sprint("k", total), "v")
				total++
				time.Sleep(100 * time.Microsecond)
			}
			l, err := a.dial(t.Context(), b.addr, a.turn(t.Context())) // the later dial of the smaller: preferred
			if err != nil {
				t.Fatal(err)
			}
			a.serveLink(l)
		}
		until(t, 5*time.Second, "all there", func() bool { return len(a.state.ops()) >= total && len(b.state.ops()) >= total })
		for _, s := range []*station{a, b} {
			if got := s.state.ops(); !slices.Equal(got, puts(0, total)) {
				t.Errorf("%d: %d changes applied, want %d; differs at %d", s.id, len(got), total, firstDiff(got, puts(0, total)))
			}
		}
		time.Sleep(time.Second) // the link that the last swap replaced says goodbye
		oneEach(t, n, a, b)
		a.close()
		b.close()
	})
}

// A break before the first change of all is no gap, however much follows.
func TestResumeOfAnEmptyLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		// A log of 4 MiB, of which more than replayLimit is used.
		a, b := newStation(t, n, 1, 1, bigLog), newStation(t, n, 2, 2)
		a.knows(b)
		a.run()
		b.run()
		settled(t, time.Second, a, b)
		b.user.held["mine"] = cache.Element{Key: "mine"}
		n.Partition(at(1), at(2))
		for i := range 2000 {
			a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
		time.Sleep(10 * time.Second)
		n.HealAll()
		until(t, 5*time.Second, "all there", func() bool { return len(b.state.ops()) == 2000 })
		if c := a.countersOf(); c["gaps"] != 0 || b.user.gaps != 0 || len(b.user.held) != 1 {
			t.Errorf("gaps %d, emptied %d times", c["gaps"], b.user.gaps)
		}
		a.close()
		b.close()
	})
}

// A log too small for what was missed: values come back by a sync, invalidated
// regions are emptied, and the changes after the gap follow in order.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n, smallLog)
		a.put(a.state, "before", "1")
		a.put(a.state, "doomed", "1")
		b.put(b.state, "theirs", "1")
		until(t, time.Second, "there", func() bool { return len(b.state.ops()) == 2 && len(a.state.ops()) == 1 })
		b.user.held["stale?"] = cache.Element{Key: "stale?"}
		a.user.held["fresh"] = cache.Element{Key: "fresh"}
		n.Partition(at(1), at(2))
		a.remove(a.state, "doomed")
		for i := range 300 {
			a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
		b.put(b.state, "theirs", "2")
		time.Sleep(20 * time.Second)
		n.HealAll()
		until(t, 5*time.Second, "linked", func() bool { return len(a.linked()) == 1 })
		if err := a.Barrier(t.Context()); err != nil { // waits for the sync
			t.Error(err)
		}
		until(t, 5*time.Second, "equal", func() bool { return a.state.digest.Root() == b.state.digest.Root() })
		if e, ok := b.state.Lookup("doomed"); !ok || e.State != cache.Tombstone {
			t.Errorf("the tombstone did not travel: %+v", e)
		}
		if e, _ := a.state.Get(0, "theirs"); e.Value.Bytes != "2" {
			t.Errorf("%+v", e)
		}
		if b.user.gaps != 1 || len(b.user.held) != 0 {
			t.Errorf("the peer that missed removals keeps %v, emptied %d times", b.user.held, b.user.gaps)
		}
		if a.user.gaps != 0 || len(a.user.held) != 1 {
			t.Error("the one that missed nothing was emptied")
		}
		applied := len(b.state.ops())
		a.put(a.state, "k0", "after")
		until(t, time.Second, "there", func() bool { return len(b.state.ops()) == applied+1 })
		a.close()
		b.close()
	})
}

// What fell off the log before a peer read it is not held there, whatever the
// peer acknowledges afterwards.
func TestGapIsNoAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n, smallLog)
		a.put(a.state, "sent", "v")
		sent := a.Logged()
		synctest.Wait()
		n.Partition(at(1), at(2))
		until(t, 10*time.Second, "noticed", func() bool { return a.peer(2).link() == nil && b.peer(1).link() == nil })
		for i := range 1000 {
			a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
		lost := a.Logged() - 400
		n.HealAll()
		settled(t, 5*time.Second, a, b)
		until(t, time.Second, "told of the gap", func() bool { return a.peer(2).acked.Load() == a.Logged() })
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		if err := a.WaitAcks(ctx, "State", lost, 1); !errors.Is(err, cache.ErrNotReplicated) {
			t.Errorf("a change that was never sent is acknowledged: %v", err)
		}
		if err := a.WaitAcks(t.Context(), "State", sent, 1); err != nil {
			t.Errorf("one from before the gap: %v", err)
		}
		a.put(a.state, "after", "v")
		if err := a.WaitAcks(t.Context(), "State", a.Logged(), 1); err != nil {
			t.Errorf("one from after it: %v", err)
		}
	})
}
