// SPDX-License-Identifier: Apache-2.0

package host

import (
	"io"
	"strings"
	"testing"
)

// checkRoutes parses the text and prints what came of it.
func checkRoutes(t *testing.T, text string, parse func(io.Reader) ([]Route, error)) {
	got, err := parse(strings.NewReader(text))
	if err != nil && got != nil {
		t.Error("routes beside an error")
	}
	for _, r := range got {
		if !r.Prefix.IsValid() || r.String() == "" || r.Classic() == "" {
			t.Errorf("an unusable route: %#v", r)
		}
	}
}

func FuzzParseSockets(f *testing.F) {
	f.Add(tcpText)
	f.Add(tcp6Text)
	f.Add(udpText)
	f.Add("0: FFFFFFFF:FFFF FFFFFFFF:FFFF FF 0 0 0 4294967295 0 18446744073709551615")
	f.Add("0: FFFFFFFF:10000 FFFFFFFF:FFFF 100 0 0 0 -1 0 -1")
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := ParseSockets(strings.NewReader(text), "tcp")
		for _, s := range got {
			if !s.Local.IsValid() || !s.Remote.IsValid() || s.UID < 0 || s.State.String() == "" {
				t.Errorf("an unusable socket: %#v", s)
			}
		}
	})
}

func FuzzParseIGMP(f *testing.F) {
	f.Add(igmpText)
	f.Add("\t010000E0 1 0:00000000 0")
	f.Add("9223372036854775807\tlo\n\tFFFFFFFF 9223372036854775808")
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := ParseIGMP(strings.NewReader(text))
		for _, m := range got {
			if !m.Group.IsValid() {
				t.Errorf("an unusable membership: %#v", m)
			}
		}
	})
}

func FuzzParseIGMP6(f *testing.F) {
	f.Add(igmp6Text)
	f.Add("1 lo " + strings.Repeat("f", 33) + " 1")
	f.Add("-1 " + strings.Repeat("g", 32) + " " + strings.Repeat("f", 32) + " -1")
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := ParseIGMP6(strings.NewReader(text))
		for _, m := range got {
			if !m.Group.Is6() {
				t.Errorf("an unusable membership: %#v", m)
			}
		}
	})
}

func FuzzParseHosts(f *testing.F) {
	f.Add(hostsText)
	f.Add("fe80::1%" + strings.Repeat("z", maxLine-10) + " a")
	f.Add("::ffff:127.0.0.1 a\r\n999.1.1.1 b\n#")
	f.Fuzz(func(t *testing.T, text string) {
		got, _ := ParseHosts(strings.NewReader(text))
		for _, l := range got {
			if !l.Addr.IsValid() || len(l.Names) == 0 || l.Line < 1 {
				t.Errorf("an unusable line: %#v", l)
			}
		}
	})
}

func FuzzSocketInode(f *testing.F) {
	f.Add("socket:[12345]")
	f.Add("socket:[18446744073709551616]")
	f.Add("socket:[")
	f.Fuzz(func(t *testing.T, link string) {
		if n, ok := socketInode(link); ok && n == 0 && !strings.ContainsRune(link, '0') {
			t.Errorf("%q is inode 0", link)
		}
	})
}
