// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
	"lateral/web"
)

const (
	faultService = "groupware"
	// equalWithin is generous: the aim, 2 s, is measured and said, and a machine
	// that is busy with something else must not fail the test.
	equalWithin = 30 * time.Second
	// clockSkew is how far the clock of the last host is off: within the minute
	// that nodes bear.
	clockSkew = 15 * time.Second
)

// faultCCF has a region without a bound that matters, one that is full all the
// time, and one of sessions.
const faultCCF = `jcs.default=
jcs.region.Plain=L
jcs.region.Plain.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Plain.cacheattributes.MaxObjects=1000000
jcs.region.Top=L
jcs.region.Top.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Top.cacheattributes.MaxObjects=2000
jcs.region.Ses=L
jcs.region.Ses.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Ses.cacheattributes.MaxObjects=1000000
jcs.region.Ses.cacheattributes.Acks=1
jcs.auxiliary.L=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.L.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.L.attributes.TransmissionTypeName=TCP
jcs.auxiliary.L.attributes.TcpListenerPort=57462
jcs.auxiliary.L.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.L.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.L.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.L.attributes.Receive=true
jcs.auxiliary.L.attributes.IssueRemoveOnPut=false
`

// hasty has links and members die, and the log run over, in seconds, and bears
// the clock of the last host.
const hasty = `jcs.auxiliary.L.attributes.HeartbeatInterval=300ms
jcs.auxiliary.L.attributes.LinkTimeout=2s
jcs.auxiliary.L.attributes.AnnounceInterval=1s
jcs.auxiliary.L.attributes.MemberTimeout=6s
jcs.auxiliary.L.attributes.LogBytes=64K
jcs.auxiliary.L.attributes.MaxClockSkew=1m
`

// faults is a cluster of three hosts under load, to which things happen. The
// clock of the last host may be off.
type faults struct {
	*site
	text  string // of the ccf
	off   time.Duration
	procs []*lab.Proc
	load  *load
	heals map[string][]time.Duration // kind of fault → how long until all was equal
}

func newFaults(t *testing.T, text string, off time.Duration) *faults {
	t.Helper()
	f := &faults{site: newSite(t, lab.Options{Hosts: 3}), text: text, off: off, procs: make([]*lab.Proc, 3), heals: map[string][]time.Duration{}}
	var clients []*web.Client
	var names []string
	for i, h := range f.Hosts {
		f.start(i)
		clients, names = append(clients, f.client(h)), append(names, h.Name)
	}
	f.load = newLoad(clients, names)
	return f
}

func (f *faults) config(h *lab.Host) string { return filepath.Join(h.Dir, "cache.ccf") }

func (f *faults) start(i int) {
	f.t.Helper()
	h := f.Hosts[i]
	err := os.WriteFile(f.config(h), []byte(f.text), 0o644)
	if err == nil && f.off != 0 && i == len(f.Hosts)-1 {
		f.procs[i], err = f.startShifted(h, f.off)
	} else if err == nil {
		f.procs[i] = h.Start(binary, "run", "--service", faultService, "--runtime-dir", f.runtimeDir(h), "--config", f.config(h))
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// states asks every host how it is.
func (f *faults) states() ([]cache.Status, error) {
	out := make([]cache.Status, len(f.Hosts))
	for i, c := range f.load.clients {
		st, err := c.Status(f.t.Context())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Hosts[i].Name, err)
		}
		out[i] = st
	}
	return out, nil
}

// linked says what is missing of a complete mesh.
func linked(all []cache.Status) error {
	for _, st := range all {
		if len(st.Endpoints) == 0 || len(st.Endpoints[0].Links) != len(all)-1 {
			return fmt.Errorf("%s has not a link to each other host", st.Host)
		}
	}
	return nil
}

// equal says what differs.
func equal(all []cache.Status) error {
	for _, st := range all {
		if why := st.Unready(); len(why) > 0 {
			return fmt.Errorf("%s is not ready: %s", st.Host, strings.Join(why, "; "))
		}
		for i, r := range st.Regions {
			if o := all[0].Regions[i]; r.Region != o.Region || r.Digest == "" || r.Digest != o.Digest {
				return fmt.Errorf("%s: %s has %d elements, digest %s, and %s of %s %d, %s", r.Region, st.Host, r.Elements, r.Digest, o.Region, all[0].Host, o.Elements, o.Digest)
			}
		}
	}
	return linked(all)
}

// settle measures how long after a moment the hosts are linked, and equal.
func (f *faults) settle(since time.Time) (links, same time.Duration) {
	f.t.Helper()
	lab.Eventually(f.t, equalWithin, func() error {
		all, err := f.states()
		if err != nil {
			return err
		}
		if links == 0 && linked(all) == nil {
			links = time.Since(since)
		}
		return equal(all)
	})
	return links, time.Since(since)
}

// verified has every host's lateral verify say the same, and measures that.
func (f *faults) verified(since time.Time) time.Duration {
	f.t.Helper()
	for _, h := range f.Hosts {
		lab.Eventually(f.t, equalWithin, func() error {
			if out, code := f.lateral(h, "verify", "--service", faultService); code != 0 {
				return fmt.Errorf("%s: lateral verify: exit %d\n%s", h.Name, code, out)
			}
			return nil
		})
	}
	return time.Since(since)
}

// round lets things happen for a while under load, ends them, and judges what
// is left.
func (f *faults) round(n int, lasts time.Duration, things ...thing) {
	f.t.Helper()
	var names []string
	for _, x := range things {
		names = append(names, x.name)
		x.begin()
	}
	time.Sleep(lasts) // of load, while it is so
	for _, x := range things {
		if x.end != nil {
			x.end() // what stands still would keep the load from ending
		}
	}
	f.load.pause()
	defer f.load.resume()
	healed := time.Now()
	f.Heal()
	links, same := f.settle(healed)
	verified := f.verified(healed)
	if err := f.load.judge(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	for _, x := range things {
		f.heals[x.kind] = append(f.heals[x.kind], same)
	}
	f.t.Logf("round %d: %s, for %v: linked %v, equal %v and lateral verify done %v after it was healed; %s; judged in %v", n, strings.Join(names, "; "), lasts,
		links.Round(10*time.Millisecond), same.Round(10*time.Millisecond), verified.Round(10*time.Millisecond), f.load.account(), (time.Since(healed) - verified).Round(10*time.Millisecond))
	f.load.mu.Lock()
	broken := f.load.broken
	f.load.mu.Unlock()
	if len(broken) > 0 {
		f.t.Fatalf("round %d (%s): %d promises broken:\n%s", n, strings.Join(names, "; "), len(broken), strings.Join(broken, "\n"))
	}
}

// under runs a function under load.
func (f *faults) under(seed uint64, do func()) {
	f.t.Helper()
	f.settle(time.Now())
	ctx, stop := context.WithCancel(f.t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); f.load.run(ctx, seed) }()
	defer func() { stop(); <-ended }() // also if do ends the test
	do()
}

// TestPartitionUnderLoad cuts one host of three off for a minute, under load
// and with the settings that services have by default.
func TestPartitionUnderLoad(t *testing.T) {
	t.Parallel()
	more := faultTime(t, 0)
	f := newFaults(t, faultCCF, 0)
	f.under(1, func() {
		f.round(1, time.Minute, f.partition(f.Hosts[2], f.Hosts[0], f.Hosts[1]))
		f.goOn(2, more, 15*time.Second, time.Minute, 4*time.Minute)
	})
}

// TestFaults has things happen by a seed, for a minute, or as long as
// LATERAL_FAULTS says: another seed by LATERAL_SEED.
func TestFaults(t *testing.T) {
	t.Parallel()
	most := faultTime(t, 50*time.Second)
	f := newFaults(t, faultCCF+hasty, clockSkew)
	f.under(1, func() {
		f.goOn(1, most, time.Second, 3*time.Second, 9*time.Second)
	})
}

// faultTime is how long faults are to go on.
func faultTime(t *testing.T, d time.Duration) time.Duration {
	t.Helper()
	if s := os.Getenv("LATERAL_FAULTS"); s != "" {
		var err error
		if d, err = time.ParseDuration(s); err != nil {
			t.Fatalf("LATERAL_FAULTS=%s: want a time such as 2h: %v", s, err)
		}
	}
	// A last round may have begun just before, of 4 minutes at most.
	if end, ok := t.Deadline(); ok && d > time.Minute && time.Until(end) < d+10*time.Minute {
		t.Fatalf("LATERAL_FAULTS is %v, and go test ends in %v: give it a -timeout that is 15 minutes longer", d, time.Until(end).Round(time.Second))
	}
	return d
}

// goOn draws and does rounds until the time is over.
func (f *faults) goOn(first int, d time.Duration, lasts ...time.Duration) {
	f.t.Helper()
	seed := uint64(1)
	if s := os.Getenv("LATERAL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			f.t.Fatal(errors.Join(errors.New("LATERAL_SEED"), err))
		}
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	f.t.Logf("seed %d", seed)
	for began, n := time.Now(), first; time.Since(began) < d; n++ {
		f.round(n, lasts[rnd.IntN(len(lasts))], f.draw(rnd)...)
	}
	for _, kind := range slices.Sorted(maps.Keys(f.heals)) {
		all := f.heals[kind]
		slices.Sort(all)
		f.t.Logf("%-18s %4d times; equal after %v in the median, %v at most", kind, len(all), all[len(all)/2].Round(10*time.Millisecond), all[len(all)-1].Round(10*time.Millisecond))
	}
}
