// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

// keys lists a region of a node, in the three ways there are, which must agree.
func (c *cluster) keys(name, region, pattern string) string {
	c.t.Helper()
	do := func(op cache.Op) cache.Reply {
		rep, err := c.nodes[name].Do(c.t.Context(), cache.Command{Op: op, Region: region, Pattern: pattern})
		if err != nil {
			c.t.Fatal(err)
		}
		return rep
	}
	rep, matching := do(cache.Keys), do(cache.GetMatching)
	var same []string
	for _, e := range matching.Elements {
		same = append(same, e.Key)
	}
	if !slices.Equal(rep.Keys, same) || rep.Count != len(rep.Keys) || matching.Count != len(same) {
		c.t.Errorf("%s: %d keys %v, %d elements %v", region, rep.Count, rep.Keys, matching.Count, same)
	}
	if pattern == "" {
		if got := c.scanned(name, region, func() {}); !slices.Equal(got, rep.Keys) {
			c.t.Errorf("%s: scanned %v, listed %v", region, got, rep.Keys)
		}
	}
	return strings.Join(rep.Keys, " ")
}

// scanned goes through a region by pieces of a few keys, doing something between two of them.
func (c *cluster) scanned(name, region string, between func()) []string {
	c.t.Helper()
	r, err := c.nodes[name].Store(region)
	if err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for from, calls := uint64(0), 0; ; calls++ {
		keys, next := r.Scan(from, 3)
		if all = append(all, keys...); next == 0 {
			slices.Sort(all)
			return slices.Compact(all)
		}
		if next&(1<<19-1) != 0 || calls > 5000 {
			c.t.Fatalf("place %x after %d calls", next, calls)
		}
		from = next
		between()
	}
}

// What is only on disk is listed: by keys and patterns, with values, piece by piece. Not what
// is removed, over its lifetime, or not this node's.
func TestListsWhatIsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		c.own(1, onDisk(dir)...)
		for _, region := range []string{"Kept", "Both", "Told", "All"} { // memory holds ten; of All everything is in both
			want := []string{}
			for i := range 40 {
				key := fmt.Sprintf("k%02d", i)
				c.put("1", region, key, "v"+key)
				time.Sleep(2 * time.Millisecond)
				if i != 5 && i != 35 {
					want = append(want, key)
				}
			}
			c.put("1", region, cache.GroupKey("g", "k"), "in a group")
			for i := range 12 { // and out of memory with it
				c.put("1", region, fmt.Sprint("z", i), "v")
				want = append(want, fmt.Sprint("z", i))
			}
			for _, waits := range []bool{true, false} { // in the queue of the disk, then in its file
				if !waits {
					c.written("1", region)
				}
				c.remove("1", region, "k05")
				c.remove("1", region, "k35")
				all := append([]string{cache.GroupKey("g", "k")}, want...)
				slices.Sort(all)
				if got := c.keys("1", region, ""); got != strings.Join(all, " ") {
					t.Errorf("%s: %q", region, got)
				}
				for pattern, want := range map[string]string{"k0[3-6]": "k03 k04 k06", "k03": "k03", "g/k": cache.GroupKey("g", "k"), "k05": "", "nobody": "",
					"z1.*": "z1 z10 z11", "g/.*": cache.GroupKey("g", "k"), "k3[0-9]|z0": "k30 k31 k32 k33 k34 k36 k37 k38 k39 z0", "no.*": ""} {
					if got := c.keys("1", region, pattern); got != want {
						t.Errorf("%s, %s: %q", region, pattern, got)
					}
				}
			}
			if st := c.region("1", region); region != "All" && st.Elements > 10 || st.Stats.AuxHits != 0 {
				t.Errorf("%s: listing is a use of what is listed: %+v", region, st)
			}
		}
		c.close()
	})
}

// A scan in pieces tells of every key that is there all the while, whatever goes from memory to disk
// and back and is written meanwhile; and it ends.
func TestScanOfWhatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		c.own(1, onDisk(dir)...)
		const n = 200
		key := func(i int) string { return fmt.Sprintf("k%03d", i) }
		var all []string
		for i := range n {
			c.put("1", "Kept", key(i), "v")
			all = append(all, key(i))
			time.Sleep(time.Millisecond)
		}
		for _, step := range []time.Duration{0, time.Millisecond, 7 * time.Millisecond, 20 * time.Second} {
			pieces := 0
			got := c.scanned("1", "Kept", func() {
				pieces++
				for range 5 {
					c.put("1", "Kept", key(rand.IntN(n)), "newer")
					c.get("1", "Kept", key(rand.IntN(n)))
				}
				time.Sleep(step)
			})
			if !slices.Equal(got, all) || pieces < 10 {
				t.Errorf("step %v: %d of %d keys in %d pieces", step, len(got), n, pieces+1)
			}
		}
		c.close()
	})
}
