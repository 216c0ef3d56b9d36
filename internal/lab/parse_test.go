// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestParseSS(t *testing.T) {
	const text = `0      0      [::ffff:10.77.0.1]:57462   [::ffff:10.77.0.2]:46054 users:(("lateral",pid=3706,fd=9),("x",pid=1,fd=2))
0      0               10.77.0.1:41904            10.77.0.1:57462
0      0      [fe80::1%eth0]:1   [fd77::2]:2
0      4096                   *:57461                    *:*    users:(("a b",pid=7,fd=3))
0      0           0.0.0.0%eth0:6780               0.0.0.0:*
`
	cs, err := parseSS(strings.NewReader(text))
	want(t, fmt.Sprint(cs, err), "[{10.77.0.1:57462 10.77.0.2:46054 3706 lateral} {10.77.0.1:41904 10.77.0.1:57462 0 }"+
		" {[fe80::1%eth0]:1 [fd77::2]:2 0 } {[::]:57461 invalid AddrPort 7 a b} {0.0.0.0:6780 invalid AddrPort 0 }] <nil>")
	for _, bad := range []string{"x", "0 0 nowhere 1.2.3.4:5", "0 0 1.2.3:4 *:*", "0 0 1.2.3.4:70000 *:*"} {
		if _, err := parseSS(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestParseIGMP(t *testing.T) {
	le := "010000E0"
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		le = "E0000001"
	}
	text := "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n" +
		"1\tlo        :     1      V3\n\t\t\t\t030201EF     1 0:00000000\t\t0\n" +
		"2\teth0      :     1      V3\n\t\t\t\t" + le + "     1 0:00000000\t\t0\n"
	gs, err := parseIGMP(strings.NewReader(text), "eth0")
	want(t, fmt.Sprint(gs, err), "[224.0.0.1] <nil>")
	gs, err = parseIGMP6(strings.NewReader("1    lo              ff010000000000000000000000000001     1 00000008 0\n"+
		"2    eth0            ff020000000000000000000000000001     1 0000000C 0\n"), "eth0")
	want(t, fmt.Sprint(gs, err), "[ff02::1] <nil>")
	for _, bad := range []string{"2 eth0 ff02 1", "2 eth0 xx 1"} {
		if _, err := parseIGMP6(strings.NewReader(bad), "eth0"); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// segment is a packet as parsePacket leaves it.
func segment(seq uint32, text string, syn bool) Packet {
	a, b := netip.MustParseAddrPort("10.77.0.1:1"), netip.MustParseAddrPort("10.77.0.2:2")
	return Packet{Src: a, Dst: b, Proto: TCP, seq: seq, Payload: []byte(text), syn: syn}
}

func TestStreams(t *testing.T) {
	const top = 1<<32 - 4 // sequence numbers wrap within
	for _, c := range []struct {
		what string
		ps   []Packet
		want string
	}{
		{"in order", []Packet{segment(1, "abc", false), segment(4, "def", false)}, "abcdef"},
		{"wrapped, disordered, repeated, overlapping", []Packet{
			segment(0, "efgh", false), segment(top, "abcd", false), segment(top, "abcd", false), segment(top+2, "cdef", false), segment(4, "ij", false)}, "abcdefghij"},
		{"a gap", []Packet{segment(1, "abc", false), segment(5, "ef", false)}, "abc|ef"},
		{"the same ports again", []Packet{segment(1, "one", false), segment(7, "", true), segment(4, "two", false)}, "one|two"},
	} {
		want(t, c.what+": "+string(bytes.Join(streams(c.ps), []byte("|"))), c.what+": "+c.want)
	}
}

func FuzzParsePacket(f *testing.F) {
	eth := func(typ uint16, rest ...byte) []byte {
		return append(binary.BigEndian.AppendUint16(make([]byte, 12), typ), rest...)
	}
	f.Add([]byte{})
	f.Add(eth(0x0800, bytes.Repeat([]byte{0xff}, 60)...))
	f.Add(eth(0x86dd, bytes.Repeat([]byte{0xff}, 60)...))
	f.Add(eth(0x86dd, make([]byte, 40)...))
	f.Add(eth(0x0800, append([]byte{0x4f, 0, 0, 20, 0, 0, 0, 0, 1, TCP}, make([]byte, 10)...)...))              // header longer than the packet
	f.Add(eth(0x0800, append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 1, TCP}, bytes.Repeat([]byte{255}, 30)...)...)) // data offset beyond the end
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parsePacket(time.Time{}, b)
		if len(p.Payload) > len(b) {
			t.Errorf("payload of %d bytes in %d", len(p.Payload), len(b))
		}
		streams([]Packet{p, p})
	})
}
