// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// at is a clock that tests move.
type at struct{ t time.Time }

func (a *at) now() time.Time { return a.t }

// TestSeal: what one node seals another with the secret opens, nobody reads
// it on the way, and nothing of it can be changed.
func TestSeal(t *testing.T) {
	s := New()
	clock := &at{day}
	a, b := NewRing(clock.now, s), NewRing(clock.now, New(), s)
	text := []byte("groupware on oxgw01")
	p := a.Seal([]byte("before"), text)[len("before"):]
	if len(p) != Overhead+len(text) || bytes.Contains(p, []byte("oxgw01")) {
		t.Errorf("% x", p)
	}
	for i := range p {
		bad := bytes.Clone(p)
		bad[i] ^= 1
		if got, err := b.Open(bad, "eth0"); err == nil {
			t.Errorf("byte %d changed: %q", i, got)
		} else if i >= fingerprintSize && !errors.Is(err, ErrForged) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for n := range p {
		if got, err := b.Open(p[:n], "eth0"); err == nil {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
	if got, err := b.Open(p, "eth0"); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q, %v", got, err)
	}
	if q := a.Seal(nil, text); bytes.Equal(p[textAt:], q[textAt:]) {
		t.Error("the same text looks the same")
	}
	if _, err := b.Open(make([]byte, MaxSealed+1), "eth0"); !errors.Is(err, ErrShort) {
		t.Errorf("too long: %v", err)
	}
	other := (*Other)(nil)
	if _, err := NewRing(clock.now, New()).Open(p, "eth0"); !errors.As(err, &other) || other.Fingerprint != s.Fingerprint() {
		t.Errorf("another's: %v", err)
	}
}

// TestReplay: a packet is believed once on each interface, and only while it
// is new; whatever the rest of the traffic does to the memory.
func TestReplay(t *testing.T) {
	s := New()
	clock := &at{day}
	a, b := NewRing(clock.now, s), NewRing(clock.now, s)
	p := a.Seal(nil, []byte("x"))
	open := func(via string) error { _, err := b.Open(p, via); return err }
	clock.t = day.Add(-MaxAge)
	if err := open("eth0"); err != nil {
		t.Errorf("as early as can be: %v", err)
	}
	if err := open("eth0"); !errors.Is(err, ErrReplayed) {
		t.Errorf("again: %v", err)
	}
	if err := open("eth1"); err != nil {
		t.Errorf("on another interface: %v", err)
	}
	for clock.t.Before(day.Add(MaxAge)) {
		clock.t = clock.t.Add(time.Second)
		if _, err := b.Open(a.Seal(nil, nil), "eth0"); err != nil {
			t.Fatal(err)
		}
		if err := open("eth0"); !errors.Is(err, ErrReplayed) {
			t.Fatalf("at %v: %v", clock.t.Sub(day), err)
		}
	}
	clock.t = clock.t.Add(time.Millisecond)
	if err := open("eth0"); !errors.Is(err, ErrAge) || !strings.Contains(err.Error(), "30s old") {
		t.Errorf("too old: %v", err)
	}
	clock.t = day.Add(-MaxAge - time.Second)
	if err := open("eth2"); !errors.Is(err, ErrAge) || !strings.Contains(err.Error(), "31s ahead") {
		t.Errorf("too early: %v", err)
	}
	clock.t = day.Add(10 * MaxAge)
	for range 3 {
		clock.t = clock.t.Add(3 * MaxAge)
		b.Open(a.Seal(nil, nil), "eth0")
	}
	if n := len(b.heard.new) + len(b.heard.old); n != 2 {
		t.Errorf("%d packets are remembered", n)
	}
}

func FuzzOpen(f *testing.F) {
	var s Secret
	s.key[0] = 1
	clock := &at{day}
	r := NewRing(clock.now, s)
	f.Add(r.Seal(nil, []byte("seed")))
	f.Add([]byte(nil))
	f.Add(s.derive(forFingerprint, 4))
	f.Add(append(s.derive(forFingerprint, 4), bytes.Repeat([]byte{0xff}, MaxSealed-4)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := NewRing(clock.now, s).Open(b, "eth0")
		if err == nil && len(text) != len(b)-Overhead {
			t.Fatalf("%d bytes of %d", len(text), len(b))
		}
	})
}
