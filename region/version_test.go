// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"testing"

	"lateral/cache"
)

func (g *rig) fillVersion(key string, version uint64, want bool) {
	g.t.Helper()
	stored, err := g.Fill(g.now, cache.Command{Key: key, Value: text(fmt.Sprint("v", version))}, version, g.Ticket(key))
	if err != nil || stored != want {
		g.t.Errorf("%s of version %d: stored is %v, %v", key, version, stored, err)
	}
}

// The newest version known keeps out what a lagging replica says.
func TestVersions(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.fillVersion("k", 5, true)
		g.fillVersion("k", 4, false)
		g.see("k", "v5")
		g.fillVersion("k", 5, true)
		g.do(cache.Command{Op: cache.Remove, Key: "k", Value: VersionValue(7)})
		g.see("k", "")
		g.fillVersion("k", 6, false)
		g.see("k", "")
		g.receive(cache.Command{Op: cache.Remove, Key: "k", Value: VersionValue(6)}) // late; lowers nothing
		g.fillVersion("k", 6, false)
		g.fillVersion("k", 7, true)
		g.receive(cache.Command{Op: cache.Remove, Key: "k", Value: VersionValue(1 << 63)})
		g.fillVersion("k", 1<<63-1, false)
		g.fillVersion("other", 1, true)
		g.fill("k", "of no version", g.Ticket("k"))
		g.see("k", "of no version")
		if st := g.Stats(); st.RejectedFills != 4 {
			t.Errorf("%+v", st)
		}
		// The ticket counts as well.
		old := g.Ticket("k")
		g.remove("k")
		if ok, _ := g.Fill(g.now, cache.Command{Key: "k", Value: text("v")}, 1<<63, old); ok {
			t.Error("stored")
		}
	})
}

// The version travels with the removal, and with nothing else.
func TestVersionTravels(t *testing.T) {
	g := open(t, Invalidate, Settings{MaxObjects: 10})
	g.do(cache.Command{Op: cache.Remove, Key: "k", Value: VersionValue(7)})
	g.remove("k")
	if got := []string{g.peers.told[0].Element.Value.Bytes, g.peers.told[1].Element.Value.Bytes}; got[0] != VersionValue(7).Bytes || got[1] != "" {
		t.Errorf("%q", got)
	}
}

// Versions are remembered for the retention at least, twice that at most, and
// for a bounded number of keys.
func TestVersionsAreBounded(t *testing.T) {
	g := open(t, Local, Settings{MaxObjects: 10, Retention: 10 * second})
	g.fillVersion("k", 5, true)
	g.pass(10 * second)
	g.Shrink(g.now)
	g.fillVersion("k", 4, false)
	g.now++
	g.Shrink(g.now)
	g.fillVersion("k", 4, false)
	g.pass(10 * second)
	g.now++
	g.Shrink(g.now)
	g.fillVersion("k", 4, true)

	v := &versions{retention: second}
	for i := range maxVersions/2 + 1 {
		v.raise(base, fmt.Sprint(i), 9)
	}
	if v.raise(base, "0", 8) || len(v.young) != 1 || len(v.old) != maxVersions/2 {
		t.Errorf("%d young, %d old", len(v.young), len(v.old))
	}
	v.raise(base, "1", 9) // used, so it is young again
	for i := range maxVersions / 2 {
		v.raise(base, fmt.Sprint("more", i), 9)
	}
	if !v.raise(base, "0", 8) || v.raise(base, "1", 8) {
		t.Error("the last used are not those that are remembered")
	}
	if len(v.young)+len(v.old) > maxVersions || v.forgotten == 0 {
		t.Errorf("%d young, %d old, %d forgotten", len(v.young), len(v.old), v.forgotten)
	}
}
