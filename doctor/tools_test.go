// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// rootWith makes a directory that looks like / with these files.
func rootWith(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// What keeps a route is in the words of what configures this machine's network.
func TestKeepRoute(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{nil, "post-up route add -net 224.0.0.0/8 dev eth0"},
		{map[string]string{"etc/network/interfaces": ""}, "below \"iface eth0 inet …\":\n    post-up route add -net 224.0.0.0/8 dev eth0"},
		{map[string]string{"run/systemd/netif/links/3": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-lan.network\n", "etc/network/interfaces": ""},
			"in /etc/systemd/network/10-lan.network.d/multicast.conf:\n    [Route]\n    Destination=224.0.0.0/8\n    Scope=link"},
		{map[string]string{"run/systemd/netif/links/2": ""}, "in the .network file that matches eth0"},
		{map[string]string{"run/NetworkManager/x": ""}, `nmcli connection modify "$(nmcli -g GENERAL.CONNECTION device show eth0)" +ipv4.routes 224.0.0.0/8`},
	} {
		m := gateway().withRoutes()
		m.tools = findTools(t.Context(), rootWith(t, c.files))
		m.tools.filters = nil
		expect(t, examine(t, page, m), "multicast-route", Failure, "to keep it", c.want)
	}
}

const ruleset = `{"nftables": [{"metainfo": {"version": "1.0.6"}},
{"chain": {"family": "inet", "table": "fw", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
{"chain": {"family": "inet", "table": "fw", "name": "more"}},
{"chain": {"family": "ip", "table": "filter", "name": "INPUT", "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
{"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "expr": [{"counter": {}}, {"drop": null}]}},
{"chain": {"family": "inet", "table": "count", "name": "in", "type": "filter", "hook": "input", "policy": "accept"}},
{"chain": {"family": "ip", "table": "nat", "name": "POSTROUTING", "type": "nat", "hook": "postrouting", "policy": "accept"}}]}`

// The commands that open a packet filter are in its own words.
func TestOpen(t *testing.T) {
	group := traffic{dev: "eth0", to: netip.MustParseAddr("224.0.0.1"), proto: "udp", port: 6780}
	six := traffic{dev: "eth0", to: netip.MustParseAddr("ff02::1%eth0"), proto: "udp", port: 6780, out: true}
	tcp := traffic{proto: "tcp", port: 57462}
	chains := dropping(ruleset)
	if len(chains) != 2 || chains[0].Table != "fw" || chains[1].Table != "filter" {
		t.Fatalf("chains that may drop: %+v", chains)
	}
	for _, c := range []struct {
		f    filters
		t    traffic
		want []string
	}{
		{filters{}, group, []string{"iptables -I INPUT -i eth0 -d 224.0.0.1 -p udp --dport 6780 -j ACCEPT"}},
		{filters{}, six, []string{"ip6tables -I OUTPUT -o eth0 -d ff02::1 -p udp --dport 6780 -j ACCEPT"}},
		{filters{tables: true}, tcp, []string{"iptables -I INPUT -p tcp --dport 57462 -j ACCEPT"}},
		{filters{chains: chains[:1]}, group, []string{"nft insert rule inet fw in iifname eth0 ip daddr 224.0.0.1 udp dport 6780 accept"}},
		{filters{chains: chains, tables: true}, group, []string{"nft insert rule inet fw in iifname eth0 ip daddr 224.0.0.1 udp dport 6780 accept",
			"iptables -I INPUT -i eth0 -d 224.0.0.1 -p udp --dport 6780 -j ACCEPT"}},
		{filters{manager: "ufw"}, group, []string{"ufw allow in on eth0 to 224.0.0.1 port 6780 proto udp"}},
		{filters{manager: "ufw"}, tcp, []string{"ufw allow to any port 57462 proto tcp"}},
		{filters{manager: "firewalld"}, group, []string{`firewall-cmd --zone="$(firewall-cmd --get-zone-of-interface=eth0)" --add-port=6780/udp`,
			`firewall-cmd --permanent --zone="$(firewall-cmd --get-zone-of-interface=eth0)" --add-port=6780/udp`}},
	} {
		if got := c.f.open(c.t); !slices.Equal(got, c.want) {
			t.Errorf("%+v\n got %q\nwant %q", c.t, got, c.want)
		}
	}
	for name, text := range map[string]string{"ufw": "etc/ufw/ufw.conf", "firewalld": "run/firewalld.pid"} {
		f, all := findFilters(t.Context(), rootWith(t, map[string]string{text: "ENABLED=yes\n"}))
		if f.manager != name || !all {
			t.Errorf("with %s: %+v", text, f)
		}
	}
	if f, _ := findFilters(t.Context(), rootWith(t, map[string]string{"etc/ufw/ufw.conf": "ENABLED=no\n"})); f.manager != "" {
		t.Errorf("ufw is switched off, and yet %+v", f)
	}
}
