// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const (
	igmpText = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n" +
		"1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n" +
		"4\teth0.100:     2      V3\n\t\t\t\t070605E4     2 0:00000000\t\t0\n\t\t\t\t010000E0     1 0:00000000\t\t0\n"
	igmp6Text = "1    lo              ff020000000000000000000000000001     1 0000000C 0\n" +
		"4    eth0            ff0200000000000000000001ff000002     3 00000004 0\n"
	hostsText = "127.0.0.1 localhost\n127.0.1.1\tOXGW01.example.org oxgw01 # Debian's\n\n# 10.0.2.11 oxgw01\nnonsense oxgw01\n::1 ip6-localhost\n"
)

func TestParseMemberships(t *testing.T) {
	littleEndian(t)
	addr := netip.MustParseAddr
	got, err := ParseIGMP(strings.NewReader(igmpText))
	want := []Membership{{"lo", 1, addr("224.0.0.1"), 1}, {"eth0.100", 4, addr("228.5.6.7"), 2}, {"eth0.100", 4, addr("224.0.0.1"), 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("igmp: got %v, %v", got, err)
	}
	got, err = ParseIGMP6(strings.NewReader(igmp6Text))
	want = []Membership{{"lo", 1, addr("ff02::1"), 1}, {"eth0", 4, addr("ff02::1:ff00:2"), 3}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("igmp6: got %v, %v", got, err)
	}
	for _, bad := range []string{"\t010000E0 1", "x\tlo", "1\tlo\n\t010000 1"} {
		if _, err := ParseIGMP(strings.NewReader(bad)); err == nil {
			t.Errorf("igmp: %q is taken", bad)
		}
	}
}

func TestIdentity(t *testing.T) {
	answer := func(addrs ...string) Lookup {
		return func(context.Context, string) (all []netip.Addr, err error) {
			for _, a := range addrs {
				all = append(all, netip.MustParseAddr(a))
			}
			if all == nil {
				err = errors.New("no such host")
			}
			return all, err
		}
	}
	for _, c := range []struct {
		name     string
		lookup   Lookup
		loopback bool
		lines    []int
	}{
		{"oxgw01", answer("127.0.1.1"), true, []int{2}},
		{"oxgw01", answer("::ffff:127.0.1.1", "127.0.1.1", "::1"), true, []int{2}},
		{"oxgw01", answer("127.0.1.1", "10.0.2.11"), false, []int{2}},
		{"oxgw02", answer("10.0.2.12"), false, nil},
		{"oxgw03", answer(), false, nil},
	} {
		id, err := IdentityOf(t.Context(), c.name, strings.NewReader(hostsText), c.lookup)
		if err != nil {
			t.Fatal(err)
		}
		var at []int
		for _, l := range id.Hosts {
			at = append(at, l.Line)
		}
		if id.Loopback() != c.loopback || !slices.Equal(at, c.lines) {
			t.Errorf("%+v: loopback %v, lines %v", id, id.Loopback(), at)
		}
		if (id.Error != "") != (len(id.Addrs) == 0) {
			t.Errorf("%+v: an error beside addresses, or neither", id)
		}
		if len(id.Addrs) > 2 {
			t.Errorf("the same address twice: %v", id.Addrs)
		}
	}
}

func TestIdentify(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no resolver is to be asked: what is the name?
	id, err := Identify(ctx)
	if err != nil || id.Hostname == "" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestInterfaces(t *testing.T) {
	all, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Loopback {
			if i.Index == 0 || i.Name == "" || i.MTU == 0 {
				t.Errorf("%+v", i)
			}
			return
		}
	}
	t.Errorf("no loopback interface in %+v", all)
}
