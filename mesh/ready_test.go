// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/internal/memnet"
)

// A node that joins is not ready before it has been filled and compared with
// all who have the region, says how far it is meanwhile, and stays ready.
func TestReadyWhenFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		j, all := donors(t, n, 2, 20_000)
		for _, s := range all {
			if why := s.Unready(s.state); why != "" {
				t.Errorf("%d: %s", s.id, why)
			}
		}
		j.run()
		said := map[string]bool{}
		until(t, time.Minute, "ready", func() bool {
			why := j.Unready(j.state)
			word, _, _ := strings.Cut(why, " ")
			said[word] = true
			if why == "" && !equal(j, all[0]) {
				t.Error("ready, and not equal")
			}
			return why == ""
		})
		if !said["no"] || !said["filling"] || !said["comparing"] {
			t.Errorf("said %v", said)
		}
		if j.Unready(j.user) != "" {
			t.Error("an invalidated region has nothing to wait for")
		}
		late := newStation(t, n, 9, 9)
		late.keep(late.state, "more")
		late.knows(j)
		j.knows(late)
		if why := j.Unready(j.state); why != "" {
			t.Error("not ready any more:", why)
		}
		for _, s := range append(all, j) {
			s.close()
		}
	})
}

// Alone a node is ready after a second; peers that are known but do not answer
// are waited for for a while, and no longer.
func TestReadyWithoutPeers(t *testing.T) {
	addr := netip.AddrPortFrom(at(7), 1).String()
	for name, x := range map[string]struct {
		peers []Peer
		after time.Duration
		why   string
	}{
		"alone":          {nil, settleTime, "looking for peers"},
		"a silent one":   {[]Peer{{ID: 7, Host: "h7", Service: "s", Endpoint: "E", Addrs: []string{addr}, Receive: true}}, readyPatience, "no link yet with h7/s.E@" + addr},
		"an address":     {[]Peer{{Addrs: []string{addr}, Receive: true}}, readyPatience, "no link yet with " + addr},
		"one long gone":  {[]Peer{{ID: 7, Stale: true, Receive: true}}, settleTime, "looking for peers"},
		"one that sends": {[]Peer{{ID: 7}}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := memnet.New()
				s := newStation(t, n, 1, 1)
				for _, p := range x.peers {
					if p.ID != 0 {
						s.book.peers[p.ID] = p
					} else {
						s.book.fixed = append(s.book.fixed, p)
					}
				}
				s.run()
				synctest.Wait()
				if why := s.Unready(s.state); why != x.why {
					t.Errorf("it says %q, want %q", why, x.why)
				}
				if took := until(t, time.Minute, "ready", func() bool { return s.Unready(s.state) == "" }); took != x.after {
					t.Errorf("after %v, want %v", took, x.after)
				}
				s.close()
			})
		})
	}
}

// A peer that is linked and silent is waited for for as long, and one that
// does not have the region not at all.
func TestReadyBesideTheMute(t *testing.T) {
	for mode, after := range map[string]time.Duration{"replicate": readyPatience, "invalidate": 0} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			s := newStation(t, n, 1, 1, func(c *Config) { c.LinkTimeout = time.Hour })
			s.keep(s.state, "k")
			s.run()
			c, _ := greet(t, n, 2, s, func(h *hello) { h.Regions = []regionInfo{{Name: "State", Mode: mode}} })
			synctest.Wait()
			if took := until(t, time.Hour, "ready", func() bool { return s.Unready(s.state) == "" }); took != after {
				t.Errorf("%s: after %v, want %v", mode, took, after)
			}
			c.Close()
			s.close()
		})
	}
}
