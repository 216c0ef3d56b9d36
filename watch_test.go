// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/fields"
)

// watch collects what a loop over Watch on one node is told.
func (c *cluster) watch(ctx context.Context, name, region string) (told *[]string, ended chan struct{}) {
	c.t.Helper()
	r, err := lateral.In(c.nodes[name], region, lateral.Text)
	if err != nil {
		c.t.Fatal(err)
	}
	told, ended = new([]string), make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range r.Watch(ctx) {
			*told = append(*told, fmt.Sprint(e.Kind, " ", e.Key, "=", e.Value, " peer:", e.Peer, " many:", e.Many, " ", err))
		}
	}()
	synctest.Wait()
	return told, ended
}

func TestWatch(t *testing.T) {
	inBubble(t, func(c *cluster) {
		t := c.t
		c.own(1)
		c.own(2)
		c.wait(2)
		ctx, cancel := context.WithCancel(t.Context())
		told, ended := c.watch(ctx, "2", "Rep")
		_, closed := c.watch(t.Context(), "2", "Rep")
		c.put("1", "Rep", "k", "theirs")
		synctest.Wait()
		c.put("2", "Rep", "k", "ours")
		c.remove("1", "Rep", "p:")
		synctest.Wait()
		cancel()
		<-ended
		want := []string{"missed = peer:false many:false <nil>", "written k=theirs peer:true many:false <nil>",
			"written k=ours peer:false many:false <nil>", "removed p:= peer:true many:true <nil>"}
		if fmt.Sprint(*told) != fmt.Sprint(want) {
			t.Errorf("a loop was told %q, want %q", *told, want)
		}
		c.close()
		<-closed // the end of the node ends its loops
	})
}

// Who keeps what he has read of an invalidated region is told when that is no
// longer sure, as the region's own memory is bypassed then.
func TestWatchersAreWarnedOfAnOutage(t *testing.T) {
	inBubble(t, func(c *cluster) {
		pair(c, attribute("Inv", "StaleMax=3s"))
		told, _ := c.watch(c.t.Context(), "1", "Inv")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(*told) != 2 || (*told)[1] != (*told)[0] {
			t.Errorf("told %q, want missed at the start and once more", *told)
		}
		c.remove("2", "Inv", "k")
		c.heal()
		time.Sleep(settle)
		synctest.Wait()
		if last := (*told)[len(*told)-1]; last != "removed k= peer:true many:false <nil>" {
			t.Errorf("after the outage: %q", *told)
		}
	})
}

// Two nodes that cannot reach each other write different fields of one hash.
func TestHashFieldsOfBothSides(t *testing.T) {
	inBubble(t, func(c *cluster) {
		t := c.t
		c.own(1)
		c.own(2)
		c.wait(2)
		c.net.Partition(hostAddr(1), hostAddr(2))
		for _, name := range []string{"1", "2"} {
			var h fields.Hash
			if _, err := h.Set("f"+name, name); err != nil {
				t.Fatal(err)
			}
			if _, err := c.nodes[name].Do(t.Context(), cache.Command{Op: cache.Put, Region: "Rep", Key: "h", Value: h.Value()}); err != nil {
				t.Fatal(err)
			}
		}
		c.net.HealAll()
		for _, name := range []string{"1", "2"} {
			c.until(2*time.Minute, "node "+name+" has both fields", func() bool {
				rep, err := c.nodes[name].Do(t.Context(), cache.Command{Op: cache.Get, Region: "Rep", Key: "h"})
				if err != nil || !rep.Found {
					t.Fatal(rep.Found, err)
				}
				h, err := fields.Decode(rep.Element.Value.Bytes, rep.Element.Stamp)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(maps.Collect(h.All())) == "map[f1:1 f2:2]"
			})
		}
		c.until(2*time.Minute, "the digests are equal", func() bool { return c.region("1", "Rep").Digest == c.region("2", "Rep").Digest })
		c.close()
	})
}
