// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"strings"
	"testing"
)

// What a packet filter does is claimed only where its rules leave no doubt.
func TestIptablesVerdict(t *testing.T) {
	for _, c := range []struct {
		rules string
		want  verdict
	}{
		{"", passes},
		{"-P INPUT DROP", dropped},
		{"-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p icmp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", dropped},
		{"-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 57460:57470 -j ACCEPT", passes},
		{"-P INPUT DROP\n-A INPUT -p tcp -m multiport --dports 22,57462 -j ACCEPT", passes},
		{"-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT", unsure},
		{"-P INPUT DROP\n-A INPUT -s 10.0.0.0/8 -j DROP", dropped},
		{"-P INPUT DROP\n-A INPUT -i eth+ -j ACCEPT", passes},
		{"-A INPUT -s 10.0.0.0/8 -j DROP", unsure},
		{"-A INPUT ! -s 10.0.0.0/8 -p udp -j DROP", passes},
		{"-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset", unsure},
		{"-A INPUT -p tcp -m tcp --dport 57462 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", dropped},
		{"-A INPUT -p tcp -m state --state NEW -j LOG --log-prefix \"a b\"\n-A INPUT -p tcp -m comment --comment \"no more of that\" -j DROP", dropped},
		{"-N more\n-A INPUT -j more\n-A INPUT -j DROP\n-A more -p tcp -m tcp --dport 57462 -j ACCEPT", passes},
		{"-N more\n-A INPUT -j more\n-A INPUT -j DROP\n-A more -p tcp -m tcp --dport 57462 -j RETURN\n-A more -j ACCEPT", dropped},
		{"-N more\n-A INPUT -g more\n-A INPUT -j DROP\n-A more -p udp -j ACCEPT", passes},
		{"-N a\n-A INPUT -j a\n-A a -j a", unsure},
		{"-A INPUT -j a\n" + strings.Repeat("-A a -j a\n", 100), unsure},
		{"-A INPUT -m physdev --physdev-in eth0 -j DROP", unsure},
		{"-A INPUT -i", passes},
	} {
		rules, policy := iptablesRules(c.rules)
		if got := rules.judge("INPUT", policy, knock{dev: "eth0", proto: "tcp", port: 57462}); got != c.want {
			t.Errorf("%q: %d, want %d", c.rules, got, c.want)
		}
	}
}

func TestNftVerdict(t *testing.T) {
	const head = `{"nftables": [{"chain": {"family": "inet", "table": "fw", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}`
	rule := func(chain string, exprs ...string) string {
		return `, {"rule": {"family": "inet", "table": "fw", "chain": "` + chain + `", "expr": [` + strings.Join(exprs, ", ") + `]}}`
	}
	match := func(left, op, right string) string {
		return `{"match": {"op": "` + op + `", "left": {` + left + `}, "right": ` + right + `}}`
	}
	const iif, dport, state, proto = `"meta": {"key": "iifname"}`, `"payload": {"protocol": "tcp", "field": "dport"}`, `"ct": {"key": "state"}`, `"meta": {"key": "l4proto"}`
	const accept, drop = `{"accept": null}`, `{"drop": null}`
	for _, c := range []struct {
		name, rules string
		out         bool // certainly kept out
	}{
		{"policy", "", true},
		{"others are let in", rule("in", match(iif, "==", `"lo"`), accept) + rule("in", match(state, "in", `["established", "related"]`), accept) + rule("in", match(dport, "==", "22"), accept), true},
		{"port", rule("in", match(dport, "==", "57462"), `{"counter": {}}`, accept), false},
		{"set", rule("in", match(dport, "==", `{"set": [22, {"range": [57460, 57470]}]}`), accept), false},
		{"set without it", rule("in", match(dport, "==", `{"set": [22, {"range": [1, 1024]}]}`), accept), true},
		{"named set", rule("in", match(dport, "==", `"@open"`), accept), false},
		{"source", rule("in", match(`"payload": {"protocol": "ip", "field": "saddr"}`, "==", `{"prefix": {"addr": "10.0.0.0", "len": 8}}`), accept), false},
		{"all but that port", rule("in", match(dport, "!=", "22"), accept), false},
		{"all but ours", rule("in", match(dport, "!=", "57462"), accept), true},
		{"protocol", rule("in", match(proto, "==", `"udp"`), accept), true},
		{"jump", rule("in", `{"jump": {"target": "more"}}`) + rule("more", match(dport, "==", "57462"), accept), false},
		{"jump that ends", rule("in", `{"goto": {"target": "more"}}`) + rule("in", accept) + rule("more", `{"reject": {"type": "icmp"}}`), true},
		{"map", rule("in", `{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@zones"}}`), false},
		{"extension", rule("in", `{"xt": null}`, accept), false},
		{"fields of other protocols", rule("in", match(`"payload": {"protocol": "icmp", "field": "type"}`, "==", `"echo-request"`), accept) + rule("in", match(`"payload": {"protocol": "icmpv6", "field": "type"}`, "==", `"echo-request"`), accept) +
			rule("in", match(`"payload": {"protocol": "ip", "field": "protocol"}`, "==", `"icmp"`), accept) + rule("in", match(`"payload": {"protocol": "ip6", "field": "nexthdr"}`, "==", `"ipv6-icmp"`), accept), true},
		{"a field of ours", rule("in", match(`"payload": {"protocol": "tcp", "field": "sport"}`, "==", "22"), accept), false},
		{"our protocol", rule("in", match(`"payload": {"protocol": "ip", "field": "protocol"}`, "==", `"tcp"`), accept), false},
		{"map of states", rule("in", `{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["established", {"accept": null}], ["invalid", {"drop": null}]]}}}`), true},
		{"map of ports", rule("in", `{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[22, {"accept": null}], [57462, {"jump": {"target": "more"}}]]}}}`) + rule("more", accept), false},
		{"map of pairs", rule("in", `{"vmap": {"key": {"concat": []}, "data": {"set": [[{"concat": []}, {"accept": null}]]}}}`), false},
		{"no JSON", `, {"rule": {"family": "inet", "table": "fw", "chain": "in", "expr": [{"match": 3}, {"accept": null}]}}`, false},
	} {
		f := filters{ruleset: head + c.rules + "]}"}
		where, got := f.judged(knock{dev: "eth0", proto: "tcp", port: 57462})
		if (got == dropped) != c.out || got == passes != (where == "") {
			t.Errorf("%s: %d by %q, want kept out: %v", c.name, got, where, c.out)
		}
	}
	if where, v := (filters{ruleset: "{"}).judged(knock{}); v != passes || where != "" {
		t.Error("half a ruleset keeps somebody out")
	}
}

// Whatever the packet filters print, nothing panics.
func FuzzVerdict(f *testing.F) {
	f.Add("-P INPUT DROP\n-A INPUT -i eth0 ! -p tcp --dport 1:2,3 -j more\n-A more -g INPUT", ruleset)
	f.Add("-A INPUT --tcp-flags\n-A INPUT -m", `{"nftables": [{"rule": {"expr": [{"match": {"op": "in", "right": {"range": [1]}}}]}}]}`)
	f.Fuzz(func(t *testing.T, list, nft string) {
		filters{list: list, ruleset: nft}.judged(knock{dev: "eth0", proto: "tcp", port: 1})
	})
}
