// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/internal/redistest"
)

// allTiers are the lines of regions that have everything: a disk, peers (of Told), a server. Memory holds ten.
func allTiers(dir, addr string, more ...string) []string {
	const r, lru = "jcs.region.", "org.apache.jcs.engine.memory.lru.LRUMemoryCache"
	lines := append(onDisk(dir), r+"Kept=DC,VC", r+"Told=DC,LTCP,VC", r+"Both=DC,LTCP,VC", r+"Told.cacheattributes.MemoryCacheName="+lru, "AllowGet=true", "PutOnlyMode=false")
	remote := onRemote(addr)
	for _, l := range remote {
		if !strings.HasPrefix(l, r) {
			lines = append(lines, l)
		}
	}
	return append(lines, more...)
}

// toDisk puts more keys than memory holds, so that what was there before is on disk alone.
func (c *cluster) toDisk(name, region string) {
	c.t.Helper()
	for i := range 12 {
		c.put(name, region, fmt.Sprint("other", i), "v")
	}
	c.soon("it is written", func() bool { return c.disk(name, region).Queued == 0 && c.remote(name, region).Queued == 0 })
}

// A miss asks disk, peers and server in the order of the ccf, and none behind the one that has it.
func TestTiersInOrder(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c, dir := newRealCluster(t), t.TempDir()
	for i := range 2 {
		c.own(i+1, allTiers(dir, srv.Addr())...)
	}
	c.wait(2)
	c.tracked("Told")
	hits := func() (disk, peers, remote uint64) {
		d, s, all := c.disk("1", "Told").Hits, c.remote("1", "Told").Hits, c.region("1", "Told").Stats.AuxHits
		return d, uint64(all) - d - s, s
	}
	ask := func(key, want string) string {
		t.Helper()
		d, p, s := hits()
		c.expect("1", "Told", key, want)
		d2, p2, s2 := hits()
		return fmt.Sprintf("%d %d %d", d2-d, p2-p, s2-s)
	}
	c.put("1", "Told", "k", "v")
	if got := ask("k", "v"); got != "0 0 0" {
		t.Errorf("what is in memory is had from disk, peers, server %s times", got)
	}
	c.toDisk("1", "Told")
	if got := ask("k", "v"); got != "1 0 0" {
		t.Errorf("what is on disk is had from disk, peers, server %s times", got)
	}
	c.put("2", "Told", "peer", "v")
	c.soon("it is written", func() bool { return c.remote("2", "Told").Queued == 0 })
	if got := ask("peer", "v"); got != "0 1 0" {
		t.Errorf("what a peer has is had from disk, peers, server %s times", got)
	}
	srv.CLI("SET", "VC:Told:out", "v")
	if got := ask("out", "v"); got != "0 0 1" {
		t.Errorf("what the server has is had from disk, peers, server %s times", got)
	}
	if got := ask("nobody", ""); got != "0 0 0" {
		t.Errorf("what nobody has is had from disk, peers, server %s times", got)
	}
}

// What is on disk alone is dropped as memory is when the server's value changes: when it tells so, when the
// connection was lost meanwhile, and when the node was away.
func TestRemoteChangesWhatIsOnDisk(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	for _, region := range []string{"Kept", "Told", "Both"} {
		for how, change := range map[string]func(c *cluster, key string, open func()){
			"told": func(c *cluster, key string, _ func()) { srv.CLI("SET", key, "2") },
			"lost": func(c *cluster, key string, _ func()) {
				gaps := c.remote("1", region).Gaps
				var all []string
				for line := range strings.Lines(srv.CLI("CLIENT", "LIST")) { // all at once: nobody can be told
					if m := regexp.MustCompile(`^id=(\d+) .* flags=\S*B`).FindStringSubmatch(line); m != nil {
						all = append(all, "CLIENT KILL ID "+m[1])
					}
				}
				srv.Pipe(append(append([]string{"MULTI"}, all...), "SET "+key+" 2", "EXEC")...)
				c.soon("the loss is made up for", func() bool { return c.remote("1", region).Gaps > gaps })
			},
			"away": func(c *cluster, key string, open func()) {
				c.stop("1")
				srv.CLI("SET", key, "2")
				open()
			},
		} {
			t.Run(region+", "+how, func(t *testing.T) {
				c, dir := newRealCluster(t), t.TempDir()
				prefix := region + how
				open := func() {
					c.own(1, allTiers(dir, srv.Addr(), "jcs.auxiliary.VC.attributes.KeyPrefix="+prefix, "jcs.auxiliary.DC.attributes.Restore=ALWAYS")...)
					c.tracked(region)
				}
				open()
				c.put("1", region, "k", "1")
				c.toDisk("1", region)
				if c.held("1", region, "k") != "" {
					t.Fatal("it is in memory: the test shows nothing")
				}
				change(c, prefix+":"+region+":k", open)
				c.soon("the new value is served", func() bool { return c.ask("1", region, "k") == "2" })
				c.put("1", region, "gone", "v")
				c.toDisk("1", region)
				if _, err := c.nodes["1"].Do(t.Context(), cache.Command{Op: cache.Remove, Region: region, Key: "gone"}); err != nil {
					t.Fatal(err)
				}
				c.expect("1", region, "gone", "")
			})
		}
	}
}

// What a node writes and memory has no room for stays on disk when the server tells of the write.
func TestOwnWritesStayOnDisk(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := newRealCluster(t)
	c.own(1, allTiers(t.TempDir(), srv.Addr())...)
	c.tracked("Kept")
	for i := range 40 {
		c.put("1", "Kept", fmt.Sprint("k", i), "v")
	}
	c.soon("all invalidations are verified", func() bool { return c.remote("1", "Kept").Kept >= 40 })
	c.soon("it is on disk", func() bool { return c.disk("1", "Kept").Queued == 0 })
	if d := c.disk("1", "Kept"); d.Elements != 30 || d.Removed > 0 {
		t.Errorf("%+v", d)
	}
}
