// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
)

// sessions opens the session cache of a service.
func (c *cluster) sessions(name string) *lateral.Region[string] {
	c.t.Helper()
	r, err := lateral.In(c.nodes[name], "SessionCache", lateral.Text)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// TestAcks is the promise of Acks: an acknowledged put is on as many other
// nodes, so it survives the death of its writer; what cannot be promised is an
// error, at once or after AckTimeout, and never a pretence.
func TestAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.edit = func(_, text string) string {
			return text + "\njcs.region.SessionCache.cacheattributes.Acks=1\n"
		}
		ctx := context.Background()
		c.start("1/groupware")
		s := c.sessions("1/groupware")
		began := time.Now()
		if err := s.Put(ctx, "alone", "x"); !errors.Is(err, cache.ErrNotReplicated) || time.Since(began) != 0 {
			t.Fatalf("a put with nobody to hold it: %v after %v", err, time.Since(began))
		}
		if v, ok, _ := s.Get(ctx, "alone"); !ok || v != "x" {
			t.Fatal("a put that is not replicated is not stored here either")
		}
		if err := s.PutAcks(ctx, "alone", "x", cache.AllAcks); !errors.Is(err, cache.ErrNotReplicated) {
			t.Fatalf("all of nobody: %v", err)
		}
		if err := s.PutAcks(ctx, "alone", "x", cache.LinkedAcks); err != nil {
			t.Fatalf("those that are linked, and none is: %v", err)
		}
		c.start("2/groupware")
		c.start("3/groupware")
		c.wait(3)
		for i := range 100 {
			key := string(rune('a' + i%26))
			if err := s.Put(ctx, key, "acked"); err != nil {
				t.Fatal(err)
			}
			if c.get("2/groupware", "SessionCache", key) != "acked" && c.get("3/groupware", "SessionCache", key) != "acked" {
				t.Fatalf("put %d returned before any peer held it", i)
			}
		}
		for _, acks := range []cache.Acks{cache.AllAcks, cache.LinkedAcks} {
			if err := s.PutAcks(ctx, "everywhere", acks.String(), acks); err != nil {
				t.Fatal(err)
			}
			for _, n := range []string{"2/groupware", "3/groupware"} {
				if got := c.get(n, "SessionCache", "everywhere"); got != acks.String() {
					t.Fatalf("acknowledged by %s, and %s holds %q", acks, n, got)
				}
			}
		}
		if err := s.PutAcks(ctx, "three", "v", 3); !errors.Is(err, cache.ErrNotReplicated) {
			t.Fatalf("3 acknowledgements of 2 peers: %v", err)
		}
		c.net.Partition(hostAddr(1), hostAddr(2))
		began = time.Now()
		if err := s.PutAcks(ctx, "cut", "v", 2); !errors.Is(err, cache.ErrNotReplicated) || time.Since(began) != 250*time.Millisecond {
			t.Fatalf("a peer that cannot be reached: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		if err := s.PutAcks(ctx, "cut", "v", cache.LinkedAcks); !errors.Is(err, cache.ErrNotReplicated) || time.Since(began) != 250*time.Millisecond {
			t.Fatalf("a peer that is linked and silent: %v after %v", err, time.Since(began))
		}
		if err := s.PutAcks(ctx, "last", "words", 1); err != nil {
			t.Fatal(err)
		}
		c.procs["1/groupware"].Die()
		synctest.Wait()
		if c.get("3/groupware", "SessionCache", "last") != "words" {
			t.Fatal("an acknowledged put did not survive its writer")
		}
		c.net.HealAll()
		c.close()
	})
}

// TestAcksOfNewRegion wants acknowledgements in a region that nobody declared:
// peers tell of the regions that they make.
func TestAcksOfNewRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.edit = func(_, text string) string {
			return text + "\njcs.auxiliary.LTCP.attributes.IssueRemoveOnPut=false\n"
		}
		c.start("1/groupware")
		c.start("2/groupware")
		c.wait(2)
		put := func(name string, acks cache.Acks) error {
			_, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Put, Region: "Made", Key: "k", Value: cache.Value{Bytes: "v"}, Acks: acks})
			return err
		}
		if err := put("1/groupware", cache.NoAcks); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the peer makes it, and says so
		if err := put("1/groupware", 1); err != nil {
			t.Fatal(err)
		}
		c.close()
	})
}
