// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/beacon"
	"lateral/internal/memnet"
	"lateral/secret"
)

// refusals are what nodes were told of those they refused.
type refusals struct {
	mu   sync.Mutex // guards told
	told []string
}

func (r *refusals) note(addr netip.Addr, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, addr.String()+" "+why.Error())
}

func (r *refusals) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.told, func(s string) bool { return strings.Contains(s, text) })
}

func with(ring *secret.Ring, told *refusals) func(*Config) {
	return func(c *Config) { c.Ring, c.Refuse = ring, told.note }
}

// tap keeps the datagrams of the group; it has a place of its own in it.
func tap(b *bubble, i int) (*memnet.Group, func() [][]byte) {
	g := b.join(i)
	var list [][]byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, maxDatagram)
		for {
			n, _, err := g.Read(buf)
			if err != nil {
				return
			}
			list = append(list, bytes.Clone(buf[:n]))
		}
	}()
	return g, func() [][]byte { passes(0); return slices.Clone(list) }
}

// Who has the secret is found; what is said names nobody.
func TestSealed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		s := secret.New()
		g, heard := tap(b, 9)
		const cluster = "a-long-name" // two letters of noise are "ox" now and then
		var told refusals
		config := func(r *secret.Ring) func(*Config) {
			return func(c *Config) { with(r, &told)(c); c.Self.Cluster = cluster }
		}
		one, two := b.start(1, 1, config(secret.NewRing(nil, s))), b.start(2, 2, config(secret.NewRing(nil, secret.New(), s)))
		passes(time.Second)
		one.knows("") // the other one sends with another secret
		two.knows("1@10.0.0.1:7")
		if !told.has("10.0.0.2 it uses another secret, fingerprint ") || told.has("10.0.0.1") {
			t.Errorf("told: %q", told.told)
		}
		end(one, two)
		g.Close()
		for _, p := range heard() {
			for _, name := range []string{cluster, "host1", "host2"} {
				if bytes.Contains(p, []byte(name)) {
					t.Fatalf("%s is in the clear: %q", name, p)
				}
			}
		}
		if len(heard()) == 0 {
			t.Error("nothing was heard")
		}
	})
}

// With and without, each says what the other lacks, and neither believes.
func TestSealedAndPlain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		s := secret.New()
		var told, plainTold refusals
		one, two := b.start(1, 1, with(secret.NewRing(nil, s), &told)), b.start(2, 2, with(nil, &plainTold))
		passes(time.Second)
		one.knows("")
		two.knows("")
		if !told.has("10.0.0.2 it announces itself without the cluster's secret") {
			t.Errorf("told: %q", told.told)
		}
		if want := fmt.Sprintf("10.0.0.1 it has a cluster secret, fingerprint %s, and this node has none", s.Fingerprint()); !plainTold.has(want) {
			t.Errorf("told: %q", plainTold.told)
		}
		if one.Heard().Unproven == 0 || two.Heard().Unproven == 0 {
			t.Error("not counted")
		}
		end(one, two)
	})
}

// Packets that an attacker makes, changes or repeats have no effect: no member
// is made, none is forgotten, no address changes.
func TestForged(t *testing.T) {
	inBubble(t, func(b *bubble) {
		s := secret.New()
		g, heard := tap(b, 9)
		defer g.Close()
		var told, ignored refusals
		one, two := b.start(1, 1, with(secret.NewRing(nil, s), &told)), b.start(2, 2, with(secret.NewRing(nil, s), &ignored))
		passes(time.Second)
		one.knows("2@10.0.0.2:7")
		recorded := heard()
		send := func(p []byte) {
			t.Helper()
			before := one.Heard().Unproven
			if err := g.Send(p); err != nil {
				t.Fatal(err)
			}
			passes(0)
			one.knows("2@10.0.0.2:7")
			if one.Heard().Unproven != before+1 {
				t.Errorf("not counted: %x", p)
			}
		}
		// Withdraw and announce in the name of another, without the secret.
		for _, p := range []Packet{{Kind: Withdraw, ID: 2, Node: 2, Seq: 1 << 20, Cluster: "ox", Port: 7}, {Kind: Announce, Receive: true, ID: 2, Node: 2, Seq: 1 << 20, Cluster: "ox", Port: 8}, {Kind: Announce, Receive: true, ID: 3, Node: 3, Seq: 1, Cluster: "ox", Port: 8}} {
			plain, err := p.Append(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			send(plain)
			// The same, sealed with another secret, but under our fingerprint.
			section, _ := p.section(nil)
			sealed := secret.NewRing(nil, secret.New()).Seal([]byte{version, flagSealed}, section)
			copy(sealed[sealedHead:], recorded[0][sealedHead:sealedHead+4])
			send(footer(sealed, 0))
		}
		if !told.has("10.0.0.9 it announces itself without") || !told.has("10.0.0.9 it forges packets") {
			t.Errorf("told: %q", told.told)
		}
		// What they said themselves, from elsewhere: at once, and later.
		for _, p := range recorded {
			send(p)
		}
		passes(secret.MaxAge + time.Second)
		for _, p := range recorded {
			send(p)
		}
		if !told.has("10.0.0.9 it repeats packets") || !told.has("10.0.0.9 its time is not ours") {
			t.Errorf("told: %q", told.told)
		}
		// A goodbye that was recorded does nothing to who has come again.
		end(two)
		passes(0)
		goodbye := heard()[len(heard())-1]
		again := b.start(2, 4, with(secret.NewRing(nil, s), &ignored))
		passes(time.Second)
		one.knows("4@10.0.0.2:7")
		g.Send(goodbye)
		passes(0)
		one.knows("4@10.0.0.2:7")
		end(one, again)
	})
}

func FuzzSealed(f *testing.F) {
	ring := secret.NewRing(func() time.Time { return time.Unix(0, 0) }, secret.Secret{})
	d := New(Config{Self: Self{ID: 1, Cluster: "ox"}, Ring: ring})
	good, err := d.encode(Packet{Kind: Announce, ID: 1}, []byte("JCS"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[3:])
	f.Add([]byte{version, flagSealed, 0, 0, 0, 2, 'L', 'a', 't', 'D'})
	f.Add(footer(append([]byte{version, flagSealed}, make([]byte, maxSection)...), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range []*Discoverer{d, New(Config{Self: Self{ID: 1}})} {
			if p, err := d.decode(beacon.Source{Interface: "eth0"}, b); err == nil && p.ID == 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
