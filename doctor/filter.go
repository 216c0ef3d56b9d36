// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// filters are the packet filters of this machine that drop something.
type filters struct {
	manager string  // "firewalld" or "ufw", which write the rules of the others
	chains  []chain // of nftables, that may drop
	tables  bool    // iptables that are not nftables underneath, or are all that is there
	ruleset string  // what nft -j list ruleset prints
	list    string  // what iptables -S prints
	unseen  bool    // only root sees either
}

// A chain is one of nftables' that packets go through first.
type chain struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Hook   string `json:"hook"` // input, output
	Type   string `json:"type"`
	Policy string `json:"policy"`
}

// findFilters looks at what could drop packets. False means that only root
// would see it.
func findFilters(ctx context.Context, root string) (filters, bool) {
	var f filters
	at := func(path string) string { return filepath.Join(root, path) }
	rules, errNft := output(ctx, "nft", "-j", "list", "ruleset")
	list, errTables := output(ctx, "iptables", "-S")
	f.ruleset, f.list = rules, list
	f.unseen = errNft != nil && errTables != nil && !(errors.Is(errNft, exec.ErrNotFound) && errors.Is(errTables, exec.ErrNotFound))
	if _, err := os.Stat(at("run/firewalld.pid")); err == nil {
		f.manager = "firewalld"
		return f, true
	}
	if text, err := os.ReadFile(at("etc/ufw/ufw.conf")); err == nil && strings.Contains("\n"+string(text), "\nENABLED=yes") {
		f.manager = "ufw"
		return f, true
	}
	f.chains = dropping(rules)
	// iptables that write into nftables show there too, as "ip filter INPUT".
	f.tables = errTables == nil && (strings.Contains(list, "-j DROP") || strings.Contains(list, "-j REJECT") || strings.Contains(list, "PUT DROP"))
	return f, !f.unseen
}

// bars reports whether something may drop what comes in (input) or leaves
// (output).
func (f filters) bars(hook string) bool {
	name := strings.ToUpper(hook)
	tables := f.tables && (strings.Contains(f.list, "-A "+name+" ") || strings.Contains(f.list, "-P "+name+" DROP"))
	return f.manager != "" || tables || slices.ContainsFunc(f.chains, func(c chain) bool { return c.Hook == hook })
}

// dropping returns the base chains of a ruleset, as nft -j lists it, in whose
// table something is dropped.
func dropping(ruleset string) (out []chain) {
	var all struct {
		Nftables []struct {
			Chain *chain
			Rule  *struct {
				Family, Table string
				Expr          []map[string]json.RawMessage
			}
		}
	}
	if json.Unmarshal([]byte(ruleset), &all) != nil {
		return nil
	}
	drops := map[string]bool{}
	for _, n := range all.Nftables {
		if n.Rule == nil {
			continue
		}
		for _, e := range n.Rule.Expr {
			_, drop := e["drop"]
			_, reject := e["reject"]
			if drop || reject {
				drops[n.Rule.Family+" "+n.Rule.Table] = true
			}
		}
	}
	for _, n := range all.Nftables {
		if c := n.Chain; c != nil && c.Type == "filter" && c.Hook != "" && (c.Policy == "drop" || drops[c.Family+" "+c.Table]) {
			out = append(out, *c)
		}
	}
	return out
}

// A traffic is what a packet filter is to let through.
type traffic struct {
	dev   string     // the interface; "" is any
	to    netip.Addr // a group; zero is any address
	proto string     // udp, tcp
	port  uint16
	out   bool // what leaves, not what comes in
}

// open returns the commands that let it through, in the words of the packet
// filters that this machine has.
func (f filters) open(t traffic) (commands []string) {
	switch f.manager {
	case "firewalld":
		zone := ""
		if t.dev != "" {
			zone = fmt.Sprintf("--zone=\"$(firewall-cmd --get-zone-of-interface=%s)\" ", t.dev)
		}
		return []string{fmt.Sprintf("firewall-cmd %s--add-port=%d/%s", zone, t.port, t.proto),
			fmt.Sprintf("firewall-cmd --permanent %s--add-port=%d/%s", zone, t.port, t.proto)}
	case "ufw":
		on, way, to := "", "in", "any"
		if t.out {
			way = "out"
		}
		if t.dev != "" {
			on = way + " on " + t.dev + " "
		}
		if t.to.IsValid() {
			to = t.to.WithZone("").String()
		}
		return []string{fmt.Sprintf("ufw allow %sto %s port %d proto %s", on, to, t.port, t.proto)}
	}
	for _, c := range f.chains {
		ofTables := f.tables && c.Table == "filter" && c.Name == strings.ToUpper(t.hook()) // iptables that are nftables underneath
		if c.Hook == t.hook() && t.within(c.Family) && !ofTables {
			commands = append(commands, t.nft(c))
		}
	}
	if f.tables || len(commands) == 0 {
		commands = append(commands, t.iptables())
	}
	return commands
}

func (t traffic) hook() string {
	if t.out {
		return "output"
	}
	return "input"
}

// within reports whether chains of a family see such packets.
func (t traffic) within(family string) bool {
	switch {
	case family == "inet":
		return true
	case t.to.Is6():
		return family == "ip6"
	}
	return family == "ip"
}

func (t traffic) nft(c chain) string {
	words := []string{"nft insert rule", c.Family, c.Table, c.Name}
	if t.dev != "" {
		words = append(words, map[bool]string{false: "iifname", true: "oifname"}[t.out], t.dev)
	}
	switch {
	case t.to.Is6():
		words = append(words, "ip6 daddr", t.to.WithZone("").String())
	case t.to.IsValid():
		words = append(words, "ip daddr", t.to.String())
	}
	return strings.Join(append(words, t.proto, "dport", fmt.Sprint(t.port), "accept"), " ")
}

func (t traffic) iptables() string {
	words := []string{tables(t.to), "-I", strings.ToUpper(t.hook())}
	if t.dev != "" {
		words = append(words, map[bool]string{false: "-i", true: "-o"}[t.out], t.dev)
	}
	if t.to.IsValid() {
		words = append(words, "-d", t.to.WithZone("").String())
	}
	return strings.Join(append(words, "-p", t.proto, "--dport", fmt.Sprint(t.port), "-j ACCEPT"), " ")
}

// tables is the program that keeps the packet filter of an address family.
func tables(g netip.Addr) string {
	if g.Is6() {
		return "ip6tables"
	}
	return "iptables"
}
