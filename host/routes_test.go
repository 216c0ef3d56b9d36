// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The kernel prints addresses as words of its own byte order; the literal text
// of these tests comes from a little-endian machine.
func littleEndian(t testing.TB) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the literal text is that of a little-endian machine")
	}
}

const route4Text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT   \n" +
	"eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0   \n" +
	"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0   \n" +
	"eth0\t000000E0\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0   \n" +
	"*\t0706E5E4\t00000000\t0205\t0\t0\t0\tFFFFFFFF\t0\t0\t0   \n"

func TestParseRoutes(t *testing.T) {
	littleEndian(t)
	got, err := ParseRoutes(strings.NewReader(route4Text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Route{
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Interface: "eth0", Gateway: netip.MustParseAddr("192.0.2.1"), Metric: 100},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Interface: "eth0"},
		{Prefix: netip.MustParsePrefix("224.0.0.0/8"), Interface: "eth0"},
		{Prefix: netip.MustParsePrefix("228.229.6.7/32"), Reject: true},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

// The rows are those that route -n of net-tools 2.10 printed on one machine.
func TestRouteText(t *testing.T) {
	littleEndian(t)
	routes, err := ParseRoutes(strings.NewReader(route4Text))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		text, classic string
		multicast     bool
	}{
		{"default via 192.0.2.1 dev eth0", "0.0.0.0         192.0.2.1       0.0.0.0         UG    100    0        0 eth0", true},
		{"192.0.2.0/24 dev eth0", "192.0.2.0       0.0.0.0         255.255.255.0   U     0      0        0 eth0", false},
		{"224.0.0.0/8 dev eth0", "224.0.0.0       0.0.0.0         255.0.0.0       U     0      0        0 eth0", true},
		{"unreachable 228.229.6.7/32", "228.229.6.7     -               255.255.255.255 !H    0      -        0 -", true},
	}
	for i, w := range want {
		if got := routes[i].String(); got != w.text {
			t.Errorf("String: got %q, want %q", got, w.text)
		}
		if got := routes[i].Classic(); got != w.classic {
			t.Errorf("Classic: got\n%s\nwant\n%s", got, w.classic)
		}
		if got := routes[i].ForMulticast(); got != w.multicast {
			t.Errorf("%s: ForMulticast is %v", w.text, got)
		}
	}
}

const route6Text = "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0\n" +
	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n" +
	"fd000000000000000000000000000002 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000003 00000000 80200001     eth0\n" +
	"ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0\n" +
	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"

func TestParseRoutes6(t *testing.T) {
	got, err := ParseRoutes6(strings.NewReader(route6Text))
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, r := range got {
		text = append(text, r.Classic())
	}
	want := []string{"fe80::/64 dev eth0", "default via fd00::1 dev eth0", "local fd00::2/128 dev eth0", "ff00::/8 dev eth0", "unreachable default"}
	if !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestRoutesMalformed(t *testing.T) {
	for _, text := range []string{
		"eth0 00000000 00000000 0001 0 0",                                   // columns missing
		"eth0 0000000 00000000 0001 0 0 0 00000000",                         // seven digits
		"eth0 00000000 00000000 0001 0 0 0 00FF00FF",                        // mask with holes
		"eth0 " + strings.Repeat("0", 32) + " 00000000 0001 0 0 0 00000000", // IPv6 in the IPv4 table
		"eth0 00000000 00000000 xyz 0 0 0 00000000",
		strings.Repeat("x", maxLine+1),
	} {
		if got, err := ParseRoutes(strings.NewReader(text)); err == nil {
			t.Errorf("%.40q is taken for %v", text, got)
		} else if !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%.40q: no line in %q", text, err)
		}
	}
	if _, err := ParseRoutes6(strings.NewReader(strings.Replace(route6Text, " 40 ", " ff ", 1))); err == nil {
		t.Error("a prefix length of 255 is taken")
	}
}

func FuzzParseRoutes(f *testing.F) {
	f.Add(route4Text)
	f.Add("eth0 FFFFFFFF FFFFFFFF FFFFFFFF 0 0 9223372036854775807 FFFFFFFF")
	f.Add("eth0\t00000000\t00000000\t0001\t0\t0\t-9223372036854775808\t00000080")
	f.Add("\n\n" + strings.Repeat("\x00", maxLine))
	f.Fuzz(func(t *testing.T, text string) { checkRoutes(t, text, ParseRoutes) })
}

func FuzzParseRoutes6(f *testing.F) {
	f.Add(route6Text)
	f.Add(strings.Replace(route6Text, " 40 ", " 81 ", 1))
	f.Add(strings.Repeat("f", 32) + " 80 0 0 " + strings.Repeat("f", 32) + " ffffffff 0 0 ffffffff x")
	f.Fuzz(func(t *testing.T, text string) { checkRoutes(t, text, ParseRoutes6) })
}
