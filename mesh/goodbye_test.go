// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"testing"

	"lateral/cache"
	"lateral/changelog"
)

// Whoever leaves tells each peer whether that lacks changes: also the one that
// it was about to be linked with, whose dial came to nothing (seed 8865 of
// internal/sim, where an invalidated region kept what was removed for good).
func TestGoodbyeSaysWhatIsUnread(t *testing.T) {
	log := changelog.New(1, 0)
	m := New(Config{ID: 1, Node: 1, Log: log})
	p, hears := m.peer(2), &hello{Receive: true}
	if g := m.goodbye(p, hears); !g.Leaving || g.Unread {
		t.Errorf("%+v, and nothing was ever changed", g)
	}
	log.Append(&cache.Change{Op: cache.Remove, Region: "R", Element: cache.Element{Key: "k", Stamp: cache.Stamp{Time: 1, Node: 1}, State: cache.Tombstone}})
	if g := m.goodbye(p, hears); !g.Unread {
		t.Errorf("%+v, though a change is not acknowledged", g)
	}
	if g := m.goodbye(p, &hello{}); g.Unread {
		t.Errorf("%+v to one who hears no changes", g)
	}
	p.ack(1)
	if g := m.goodbye(p, hears); g.Unread {
		t.Errorf("%+v, though all is acknowledged", g)
	}
}
