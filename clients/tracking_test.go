// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// region is a block of ccf for one more region with a database.
func region(name string, db int, lines ...string) string {
	all := []string{
		"=LTCP", fmt.Sprintf(".cacheattributes.RespMap=%d", db), ".cacheattributes.MaxObjects=100000",
		".cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes", ".elementattributes=org.apache.jcs.engine.ElementAttributes",
	}
	for i, l := range append(all, lines...) {
		all = append(all[:i], "jcs.region."+name+l)
	}
	return strings.Join(all, "\n")
}

// kinds are the two ways in which a change reaches another host, without
// acknowledgements: as a value, or as a removal after which it is loaded anew.
var kinds = []struct {
	name string
	db   string
	args []string
}{
	{"values travel", "2", nil},
	{"removals travel", "3", []string{"-source"}},
}

// staleMax is for how long a region may serve what may be stale when a link is
// known to be down; that it is takes linkTimeout at most.
const staleMax, linkTimeout = 2 * time.Second, 5 * time.Second

var tracked = []string{
	region("Travels", 2),
	region("Removed", 3, ".elementattributes.IsLateral=false", ".cacheattributes.StaleMax="+staleMax.String()),
	"jcs.auxiliary.LTCP.attributes.LogBytes=64K", // an outage is soon a gap
}

// A client on one host is told of each change on the other. The figures of
// benchmarks/results/clients.txt are what this logs with LATERAL_CLIENTS=all.
func TestInvalidations(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(needGo(t), "tracking")
	n := "500"
	if all() {
		n = "5000"
	}
	s := newSite(t, tracked...)
	for _, k := range kinds {
		for _, w := range []struct{ where, addr string }{{"the other host", socket(s.b)}, {"the same host", socket(s.a)}} {
			args := append(k.args, "measure", k.db, "127.0.0.1:6379", w.addr, n)
			t.Logf("%s, written on %s: %s", k.name, w.where, s.output(s.a.Command(bin, args...)))
		}
	}
	if path, err := exec.LookPath("redis-server"); err == nil {
		redis := filepath.Join(s.a.Dir, "redis.sock")
		s.a.Start(path, "--port", "6390", "--unixsocket", redis, "--save", "", "--appendonly", "no").WaitLine("Ready to accept", 20*time.Second)
		t.Logf("redis-server: %s", s.output(s.a.Command(bin, "measure", "0", "127.0.0.1:6390", redis, n)))
	}
}

// None is missed, whatever happens between the hosts: after each flap, when the
// hosts are linked again, a client's cache has nothing that is older than what
// was written last. Where removals travel, no value that a client serves is
// stale for longer than StaleMax and the time in which a dead link is noticed.
func TestInvalidationsWithFlaps(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			bin := filepath.Join(needGo(t), "tracking")
			s := newSite(t, tracked...)
			d := s.drive(s.a, exec.Command(bin, append(k.args, "flaps", k.db, "127.0.0.1:6379", socket(s.b))...))
			settle := func(after string) {
				t.Helper()
				s.complete()
				figures := d.ask("settle")
				t.Logf("%s: %s", after, figures)
				var ms, stalest int
				if n, _ := fmt.Sscanf(figures, "ok after %d ms, stalest %d ms", &ms, &stalest); n != 2 {
					t.Fatalf("%s: a client's cache is stale though the hosts are linked: %s", after, figures)
				}
				// The slack is for a machine with much else to do.
				if most := staleMax + linkTimeout; k.args != nil && time.Duration(stalest)*time.Millisecond > most+5*time.Second {
					t.Errorf("%s: a client served what had been stale for %d ms; %v is the most", after, stalest, most)
				}
			}
			settle("quiet")
			rounds, flaps := 1, s.flaps(d)
			if all() {
				rounds = 8
			} else {
				flaps = flaps[:3]
			}
			for range rounds {
				for _, f := range flaps {
					f.begin()
					f.until()
					d.want("ok", "hold") // what is missed now is not written again
					s.Heal()
					settle(f.name)
				}
			}
			if k.args == nil {
				return
			}
			// Cut off for as long as it takes: the client is told to forget all.
			s.Partition(s.a, s.b)
			d.want("ok", "flushed")
			d.want("ok", "hold")
			s.Heal()
			settle("cut off for longer than StaleMax")
		})
	}
}

// A flap is what happens between the hosts until Heal.
type flap struct {
	name         string
	begin, until func()
}

// flaps are those of a round, the first of which are always tried: each lasts
// for some thousand writes, which is more than the log holds, but the short one.
func (s *site) flaps(d *driver) []flap {
	writes := func(n int) func() {
		return func() { d.want("ok", fmt.Sprint("write ", n)) }
	}
	return []flap{
		{"ip link down", s.a.LinkDown, writes(3000)},
		{"ip link down, shortly", s.b.LinkDown, writes(100)},
		{"a cable that delays, disorders and repeats", func() {
			s.a.Wire(lab.Wire{Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond, Lose: 1, Twice: 2})
		}, writes(1000)},
		{"cable out", s.b.CableOut, writes(3000)},
		{"connections reset", func() { s.Reset(s.a, s.b); s.Reset(s.b, s.a) }, writes(3000)},
		{"nothing from B to A", func() { s.Block(s.b, s.a) }, writes(3000)},
		{"a tenth is lost", func() { s.Lose(s.a, s.b, 10); s.Lose(s.b, s.a, 10) }, writes(2000)},
	}
}
