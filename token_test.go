// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"lateral"
	"lateral/cache"
)

// behind has node 1 be far from 2, and near to 3: what it writes is on 1 and 3,
// and 2 hears of it half a second later.
func behind(c *cluster, lines ...string) {
	c.t.Helper()
	c.sessionNodes(3, lines...)
	for _, key := range []string{"k", "p:k"} {
		if err := c.in("1", "Rep").PutAcks(c.t.Context(), key, "old", 2); err != nil {
			c.t.Fatal(err)
		}
	}
	c.slow(500*time.Millisecond, 1, 2)
}

// A get with the token of a put sees it on a node that has not heard of it yet;
// without one it does not.
func TestTokenOfPut(t *testing.T) {
	inBubble(t, func(c *cluster) {
		behind(c, sessionRegion)
		far := c.in("2", "Rep")
		token, err := c.in("1", "Rep").PutToken(c.t.Context(), "k", "new")
		if err != nil || len(token) != 23 {
			c.t.Fatalf("%q, %v", token, err)
		}
		if v, _, _ := far.Get(c.t.Context(), "k"); v != "old" {
			c.t.Fatalf("the test sees nothing: %q", v)
		}
		ctx := lateral.WithToken(c.t.Context(), token)
		if v, ok, err := far.Get(ctx, "k"); v != "new" || !ok || err != nil {
			c.t.Errorf("%q, %v, %v", v, ok, err)
		}
		if v, _, _ := far.Get(c.t.Context(), "k"); v != "new" {
			c.t.Errorf("it was not kept: %q", v)
		}
		began := time.Now()
		if v, _, err := far.Get(ctx, "k"); v != "new" || err != nil || time.Since(began) != 0 {
			c.t.Errorf("%q, %v after %v: what is here is new enough", v, err, time.Since(began))
		}
		if _, err := c.in("3", "Rep").PutToken(c.t.Context(), "k", "newer"); err != nil {
			c.t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		if v, _, err := far.Get(ctx, "k"); v != "newer" || err != nil {
			c.t.Errorf("%q, %v: newer than the token is as good", v, err)
		}
	})
}

// What a token brings stays, on a node that had an older value.
func TestTokenIsKept(t *testing.T) {
	inBubble(t, func(c *cluster) {
		unseen(c, newer, sessionRegion)
		new := do(c, "4", cache.Command{Op: cache.Get, Region: "Rep", Key: "k"}).Element
		c.expect("3", "Rep", "k", "old")
		rep := do(c, "3", cache.Command{Op: cache.Get, Region: "Rep", Key: "k", Token: cache.Token{Stamp: new.Stamp}})
		if rep.Element.Value.Bytes != "new" {
			c.t.Errorf("%+v", rep)
		}
		c.expect("3", "Rep", "k", "new")
	})
}

// A logout is seen at once, too, of one key and of many.
func TestTokenOfRemoval(t *testing.T) {
	for _, key := range []string{"k", "p:k"} {
		inBubble(t, func(c *cluster) {
			behind(c, sessionRegion)
			gone := key
			if key != "k" {
				gone = "p:"
			}
			token, err := c.in("1", "Rep").RemoveToken(c.t.Context(), gone)
			if err != nil {
				c.t.Fatal(err)
			}
			c.expect("2", "Rep", key, "old")
			began := time.Now()
			rep, err := c.nodes["2"].Do(lateral.WithToken(c.t.Context(), token), cache.Command{Op: cache.Get, Region: "Rep", Key: key})
			if rep.Found || err != nil || time.Since(began) > time.Second {
				c.t.Errorf("%s: %+v, %v after %v", key, rep, err, time.Since(began))
			}
			// When nobody remembers a removal any more it is still one.
			rep, err = c.nodes["2"].Do(lateral.WithToken(c.t.Context(), token), cache.Command{Op: cache.Get, Region: "Rep", Key: "forgotten"})
			if rep.Found || err != nil {
				c.t.Errorf("forgotten: %+v, %v", rep, err)
			}
		})
	}
}

// What nobody has is said so, unless its lifetime is over; and a text that is
// no token is no get without one.
func TestTokenOfLostWrite(t *testing.T) {
	inBubble(t, func(c *cluster) {
		behind(c, idle(600, 3600)...)
		c.slow(500*time.Millisecond, 1, 2, 3)
		get := func(token string) (v string, ok bool, err error) {
			return c.in("2", "Rep").Get(lateral.WithToken(context.Background(), token), "k")
		}
		token, err := c.in("1", "Rep").PutToken(c.t.Context(), "k", "lost")
		if !errors.Is(err, cache.ErrNotReplicated) {
			c.t.Fatal(err)
		}
		c.slow(0, 1, 2, 3)
		c.kill("1")
		c.until(time.Second, "missed", func() bool {
			return len(c.nodes["2"].Status().Endpoints[0].Links) == 1 && len(c.nodes["3"].Status().Endpoints[0].Links) == 1
		})
		if v, ok, err := get(token); ok || v != "" || !errors.Is(err, cache.ErrNotCurrent) {
			c.t.Errorf("something older: %q, %v, %v", v, ok, err)
		}
		c.expect("2", "Rep", "k", "old")
		for _, bad := range []string{"x", token + "A", token[1:]} {
			if v, ok, err := get(bad); ok || v != "" || !errors.Is(err, cache.ErrToken) {
				c.t.Errorf("token %q: %q, %v, %v", bad, v, ok, err)
			}
		}
		if v, ok, err := get(""); v != "old" || !ok || err != nil {
			c.t.Errorf("no token: %q, %v, %v", v, ok, err)
		}
		time.Sleep(11 * time.Minute)
		if _, ok, err := get(token); ok || err != nil {
			c.t.Errorf("after its lifetime: %v, %v", ok, err)
		}
	})
}

// The token of a put whose removal is so old that nobody remembers it: the
// answer is no, not that nobody can tell.
func TestTokenOfForgottenRemoval(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i, sessionRegion)
		}
		c.within(time.Second, 3)
		token, err := c.in("1", "Rep").PutToken(c.t.Context(), "k", "v")
		if err != nil {
			c.t.Fatal(err)
		}
		time.Sleep(settle) // else the two are concurrent
		c.remove("2", "Rep", "k")
		c.until(10*time.Second, "forgotten", func() bool {
			return c.region("1", "Rep").Tombstones+c.region("2", "Rep").Tombstones+c.region("3", "Rep").Tombstones == 0
		})
		if _, found, err := c.in("3", "Rep").Get(lateral.WithToken(c.t.Context(), token), "k"); found || err != nil {
			c.t.Errorf("%v, %v", found, err)
		}
	})
}
