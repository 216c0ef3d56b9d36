// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lateral/cache"
)

// idle makes the elements of Rep last for so many seconds, without an access
// and altogether.
func idle(maxIdle, maxLife int) []string {
	const attr = "jcs.region.Rep.elementattributes"
	return []string{sessionRegion, attr + "=org.apache.jcs.engine.ElementAttributes", attr + ".IsEternal=false",
		fmt.Sprint(attr, ".IdleTime=", maxIdle), fmt.Sprint(attr, ".MaxLifeSeconds=", maxLife)}
}

func (c *cluster) sessionNodes(n int, lines ...string) {
	c.t.Helper()
	for i := 1; i <= n; i++ {
		c.own(i, lines...)
	}
	c.within(2*time.Second, n)
}

// here reports whether a node holds a live element, without asking anybody
// and without an access: a listing is none.
func (c *cluster) here(name, key string) bool {
	return len(do(c, name, cache.Command{Op: cache.Keys, Region: "Rep", Pattern: key}).Keys) == 1
}

// A session that is used on one node does not idle out on another; one that
// is not used does; and an absolute lifetime is over whatever is touched.
func TestTouchTravels(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(3, idle(80, 500)...)
		r := c.in("2", "Rep")
		for _, key := range []string{"used", "touched", "idle"} {
			if err := r.PutAcks(c.t.Context(), key, "v", 2); err != nil {
				c.t.Fatal(err)
			}
		}
		for range 49 {
			time.Sleep(10 * time.Second)
			c.expect("2", "Rep", "used", "v")
			if ok, err := r.Touch(c.t.Context(), "touched"); !ok || err != nil {
				c.t.Fatalf("%v, %v", ok, err)
			}
		}
		for _, name := range []string{"1", "2", "3"} {
			if !c.here(name, "used") || !c.here(name, "touched") || c.here(name, "idle") {
				c.t.Errorf("%s: used %v, touched %v, idle %v", name, c.here(name, "used"), c.here(name, "touched"), c.here(name, "idle"))
			}
		}
		time.Sleep(11 * time.Second)
		for _, name := range []string{"1", "2", "3"} {
			c.expect(name, "Rep", "used", "")
		}
		if ok, err := r.Touch(c.t.Context(), "touched"); ok || err != nil {
			c.t.Errorf("%v, %v: a touch of what is over", ok, err)
		}
	})
}

// Reads do not flood the mesh: ten thousand of a hundred sessions are a few
// small frames, and not one change.
func TestTouchTraffic(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(2, idle(80, 1000)...)
		for i := range 100 {
			c.put("1", "Rep", fmt.Sprint("s", i), "v")
		}
		measure := func(gets int) (frames int64, bytes uint64) {
			in, sent := c.counters("2")["frames_in"], c.net.Traffic(hostAddr(1), hostAddr(2)).Bytes
			for range 100 {
				for i := range gets {
					c.expect("1", "Rep", fmt.Sprint("s", i), "v")
				}
				time.Sleep(800 * time.Millisecond)
			}
			return c.counters("2")["frames_in"] - in, c.net.Traffic(hostAddr(1), hostAddr(2)).Bytes - sent
		}
		log := c.nodes["1"].Status().Endpoints[0].Log.Next
		frames, bytes := measure(100)
		quiet, silence := measure(0)
		c.t.Logf("10,000 gets: %d frames, %d bytes more than none", frames-quiet, bytes-silence)
		told := c.counters("2")["touches_in"]
		if told < 7*100 || told > 9*100 {
			c.t.Errorf("%d touches of 100 sessions in one idle time, want about 8 each", told)
		}
		if frames-quiet > 30 || bytes-silence > 10_000 {
			c.t.Errorf("%d frames, %d bytes", frames-quiet, bytes-silence)
		}
		if next := c.nodes["1"].Status().Endpoints[0].Log.Next; next != log {
			c.t.Errorf("%d reads are changes", next-log)
		}
	})
}

// A removal beats any touch, in whatever order they arrive; a touch creates
// nothing where the element is not.
func TestTouchBringsNothingBack(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(3, idle(8, 1000)...)
		ctx := context.Background()
		for _, key := range []string{"out", "gone", "kept"} {
			if err := c.in("1", "Rep").PutAcks(ctx, key, "v", 2); err != nil {
				c.t.Fatal(err)
			}
		}
		do(c, "3", cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Region: "Rep", Key: "gone"})
		time.Sleep(2 * time.Second)
		c.slow(500*time.Millisecond, 2, 1, 3)
		c.slow(100*time.Millisecond, 1, 2)
		before := c.counters("1")["touches_in"]
		for _, key := range []string{"out", "gone", "kept"} {
			c.expect("2", "Rep", key, "v") // a touch, 600 ms from here at the others
		}
		c.remove("1", "Rep", "out")
		c.until(2*time.Second, "touched", func() bool { return c.counters("1")["touches_in"] == before+3 })
		for _, name := range []string{"1", "2", "3"} {
			if c.here(name, "out") || !c.here(name, "kept") {
				c.t.Errorf("%s: out %v, kept %v", name, c.here(name, "out"), c.here(name, "kept"))
			}
		}
		if c.here("3", "gone") {
			c.t.Error("a touch has created something")
		}
		if d1, d2 := c.region("1", "Rep").Digest, c.region("2", "Rep").Digest; d1 != d2 {
			c.t.Error("touches count in the digest")
		}
	})
}
