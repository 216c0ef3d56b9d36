// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"net/netip"
	"testing"
	"time"
)

// TestStrangers: news are told once, memory is bounded, old ones are not shown.
func TestStrangers(t *testing.T) {
	var s Strangers
	a := netip.MustParseAddr("10.0.0.7")
	if !s.Refuse(a, "x", day) || s.Refuse(netip.MustParseAddr("::ffff:10.0.0.7"), "x", day) || !s.Refuse(a, "y", day) {
		t.Error("what is news?")
	}
	if l := s.List(day); len(l) != 1 || l[0].Addr != "10.0.0.7" || l[0].Why != "y" || l[0].Count != 3 {
		t.Errorf("%+v", l)
	}
	for i := range 10 * maxStrangers {
		s.Refuse(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), "z", day.Add(time.Duration(i+1)*time.Millisecond))
	}
	l := s.List(day.Add(time.Second))
	if len(l) != maxStrangers {
		t.Errorf("%d are remembered", len(l))
	}
	for _, g := range l {
		if g.Addr == "10.0.0.7" {
			t.Error("the oldest is still there")
		}
	}
	if l := s.List(day.Add(2 * strangerTime)); len(l) > 0 {
		t.Errorf("%d are told of for ever", len(l))
	}
}

// TestMention: of several reasons the one that tells most stays.
func TestMention(t *testing.T) {
	var s Strangers
	b := netip.MustParseAddr("10.0.0.6")
	for i, m := range []struct {
		why   string
		vague bool
		at    time.Duration
		want  string
	}{{"they refuse", true, 0, "they refuse"}, {"expired", false, 1, "expired"}, {"they refuse", true, 2, "expired"}, {"another secret", false, 3, "expired"}, {"they refuse", true, 2 * strangerTime, "they refuse"}} {
		s.Mention(b, m.why, m.vague, day.Add(m.at))
		if l := s.List(day.Add(m.at)); l[0].Why != m.want || l[0].Count != int64(i+1) {
			t.Errorf("%d: %+v", i, l)
		}
	}
}
