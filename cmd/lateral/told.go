// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"lateral/cache"
	"lateral/mesh"
)

const (
	// lookEvery is how often a service looks whether its state has changed.
	// A look takes some half a millisecond of CPU with the regions of the page.
	lookEvery = 500 * time.Millisecond
	// passing is how long a mesh may be incomplete without a line: so it is
	// whenever somebody joins.
	passing = time.Second
	// saidMissing is how many links a line names at most.
	saidMissing = 3
)

// news logs what the state of a service as a whole has changed to, one line
// per change: docs/operations.md lists them, with those of links and members,
// which are logged where they happen.
type news struct {
	log *slog.Logger

	mesh       shape     // what was said last
	incomplete time.Time // since when the mesh is, zero if it is not
	missed     bool      // that was said
	regions    map[string]bool
	ready      bool
}

// A shape is what a complete mesh consists of.
type shape struct{ nodes, links int }

func newNews(log *slog.Logger) *news {
	return &news{log: log, mesh: shape{nodes: 1}, regions: map[string]bool{}}
}

// tell looks until ctx ends. What it sees is a sign of life, of which systemd
// is told: the state of a node that is stuck cannot be seen.
func (v *service) tell(ctx context.Context) {
	c := newNews(v.log)
	every, dog := lookEvery, watched()
	if dog > 0 {
		every = min(every, dog/2) // as sd_watchdog_enabled(3) wants
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		st := v.node.Status()
		if st.Stopping {
			return
		}
		c.look(time.Now(), &st, mesh.Verdict(st), v.reasons(&st))
		if dog > 0 {
			v.notify(daemon.SdNotifyWatchdog)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look says what has changed since it looked last.
func (c *news) look(now time.Time, st *cache.Status, m cache.MeshStatus, why []cache.Reason) {
	c.lookMesh(now, m)
	for i := range st.Regions {
		r := &st.Regions[i]
		if r.Mode != "replicate" || r.Ready == c.regions[r.Region] {
			continue
		}
		c.regions[r.Region] = r.Ready
		if r.Ready {
			c.log.Info("region filled", "region", r.Region, "elements", r.Elements)
		}
	}
	if ready := len(why) == 0; ready != c.ready {
		c.ready = ready
		if ready {
			c.log.Info("ready")
		} else {
			c.log.Warn("not ready", "because", reasonsText(why))
		}
	}
}

func (c *news) lookMesh(now time.Time, m cache.MeshStatus) {
	is := shape{max(m.Nodes, 1), m.Present}
	switch {
	case m.Complete && (is != c.mesh || c.missed):
		c.log.Info("mesh complete", "nodes", is.nodes, "links", is.links)
		c.mesh, c.missed, c.incomplete = is, false, time.Time{}
	case m.Complete:
		c.incomplete = time.Time{}
	case c.incomplete.IsZero():
		c.incomplete = now
	case !c.missed && now.Sub(c.incomplete) >= passing:
		c.missed = true
		c.log.Warn("mesh incomplete", "nodes", is.nodes, "links", is.links, "expected", m.Expected, "missing", missingText(m.Missing))
	}
}

func missingText(list []cache.MissingLink) string {
	var parts []string
	for _, l := range list[:min(len(list), saidMissing)] {
		parts = append(parts, partyName(l.From)+" – "+partyName(l.To)+": "+l.Reason)
	}
	if len(list) > saidMissing {
		parts = append(parts, "…")
	}
	return strings.Join(parts, "; ")
}

func reasonsText(why []cache.Reason) string {
	var parts []string
	for _, r := range why {
		parts = append(parts, r.Why)
	}
	return strings.Join(parts, "; ")
}
