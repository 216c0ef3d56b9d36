// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// A node that stops is unready at once, takes no new sessions, and waits until
// its peers hold those it has.
func TestDrain(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(3, sessionRegion)
		c.slow(400*time.Millisecond, 1, 2, 3)
		for i := range 100 {
			do(c, "1", cache.Command{Op: cache.Put, Region: "Rep", Key: fmt.Sprint("k", i), Value: cache.Value{Bytes: strings.Repeat("v", 100)}, Acks: cache.NoAcks})
		}
		n := c.nodes["1"]
		r := c.in("1", "Rep")
		began, closed := time.Now(), make(chan error)
		go func() { closed <- n.Close() }()
		time.Sleep(time.Millisecond)
		if !n.Status().Stopping {
			c.t.Error("it does not say that it is stopping")
		}
		if err := r.Put(c.t.Context(), "new", "v"); !errors.Is(err, cache.ErrStopping) {
			c.t.Errorf("a put: %v", err)
		}
		if err := r.Remove(c.t.Context(), "k1"); !errors.Is(err, cache.ErrStopping) {
			c.t.Errorf("a removal: %v", err)
		}
		if _, _, err := r.Take(c.t.Context(), "k1"); !errors.Is(err, cache.ErrStopping) {
			c.t.Errorf("a take: %v", err)
		}
		c.expect("1", "Rep", "k1", strings.Repeat("v", 100)) // it reads as before
		c.put("1", "Inv", "k", "v")                          // and other regions are written to
		if err := <-closed; err != nil {
			c.t.Error(err)
		}
		delete(c.nodes, "1")
		if took := time.Since(began); took < 400*time.Millisecond || took > 3*time.Second {
			c.t.Errorf("closed after %v", took)
		}
		for _, name := range []string{"2", "3"} {
			if got := c.region(name, "Rep").Elements; got != 100 {
				c.t.Errorf("%s has %d", name, got)
			}
		}
		began = time.Now()
		c.stop("2") // its peer has all it has
		if took := time.Since(began); took > time.Second {
			c.t.Errorf("closed after %v", took)
		}
	})
}

// What cannot be handed over is said: after DrainTimeout while there is hope,
// else at once; and regions without Acks make nobody wait.
func TestDrainInVain(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(2, sessionRegion, "DrainTimeout=3s")
		c.put("1", "Rep", "there", "v")
		time.Sleep(time.Second)
		c.net.Partition(hostAddr(1), hostAddr(2))
		do(c, "1", cache.Command{Op: cache.Put, Region: "Rep", Key: "lost", Value: cache.Value{Bytes: "v"}, Acks: cache.NoAcks})
		began := time.Now()
		err := c.nodes["1"].Close()
		delete(c.nodes, "1")
		if took := time.Since(began); took < 3*time.Second || took > 6*time.Second {
			c.t.Errorf("closed after %v", took)
		}
		if !errors.Is(err, cache.ErrNotReplicated) || !strings.Contains(err.Error(), "region Rep, with 2 elements") || !strings.Contains(err.Error(), "1 changes") {
			c.t.Errorf("%v", err)
		}
	})
	inBubble(t, func(c *cluster) {
		c.sessionNodes(2, sessionRegion)
		c.put("1", "Rep", "k", "v")
		time.Sleep(time.Second)
		c.stop("2")
		began := time.Now()
		if err := c.nodes["1"].Close(); !errors.Is(err, cache.ErrNotReplicated) || time.Since(began) > time.Second {
			c.t.Errorf("the last one: %v after %v", err, time.Since(began))
		}
		delete(c.nodes, "1")
	})
	linked := attribute("Rep", "Acks=linked")
	inBubble(t, func(c *cluster) { // with Acks=linked the last one leaves without a word
		c.sessionNodes(2, linked)
		c.put("1", "Rep", "k", "v")
		time.Sleep(time.Second)
		c.stop("2")
		c.put("1", "Rep", "k", "w")
		c.stop("1")
	})
	inBubble(t, func(c *cluster) { // and waits for one who may come back
		c.sessionNodes(2, linked, "DrainTimeout=3s")
		c.net.Partition(hostAddr(1), hostAddr(2))
		time.Sleep(10 * time.Second)
		c.put("1", "Rep", "lost", "v")
		began := time.Now()
		if err := c.nodes["1"].Close(); !errors.Is(err, cache.ErrNotReplicated) || time.Since(began) < 3*time.Second {
			c.t.Errorf("one that may come back: %v after %v", err, time.Since(began))
		}
		delete(c.nodes, "1")
	})
	for _, lines := range [][]string{{}, {sessionRegion}} {
		inBubble(t, func(c *cluster) {
			c.own(1, lines...)
			if len(lines) == 0 {
				c.put("1", "Rep", "k", "v")
			}
			began := time.Now()
			c.stop("1") // no sessions, or none in them: no error
			if took := time.Since(began); took > time.Second {
				c.t.Errorf("closed after %v", took)
			}
		})
	}
}

// A peer that comes back meanwhile is handed what it lacks, also if the log
// does not have it any more.
func TestDrainToWhoComesBack(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(2, sessionRegion, "LogBytes=64K", "DrainTimeout=20s")
		c.net.Partition(hostAddr(1), hostAddr(2))
		for i := range 500 {
			do(c, "1", cache.Command{Op: cache.Put, Region: "Rep", Key: fmt.Sprint("k", i), Value: cache.Value{Bytes: strings.Repeat("v", 1000)}, Acks: cache.NoAcks})
		}
		time.AfterFunc(8*time.Second, c.net.HealAll)
		c.stop("1")
		if got := c.region("2", "Rep").Elements; got != 500 {
			c.t.Errorf("2 has %d of 500", got)
		}
	})
}

// A node that does not receive compares with nobody: its peers' acknowledgements
// count.
func TestDrainOfWriterOnly(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1, sessionRegion)
		c.own(2, sessionRegion, "Receive=false")
		c.within(2*time.Second, 2)
		c.slow(300*time.Millisecond, 2, 1)
		do(c, "2", cache.Command{Op: cache.Put, Region: "Rep", Key: "k", Value: cache.Value{Bytes: "v"}, Acks: cache.NoAcks})
		began := time.Now()
		c.stop("2")
		if took := time.Since(began); took < 300*time.Millisecond || took > 2*time.Second {
			c.t.Errorf("closed after %v", took)
		}
		c.expect("1", "Rep", "k", "v")
	})
}
