// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"lateral/host"
)

// A JavaNode is a Java node of JCS, as its discovery datagrams and the
// connections of a running service show it. The protocol is the caller's affair.
type JavaNode struct {
	Generation string         // "jcs-1.3", "jcs-2", "jcs-3", "jcs-4"
	ID         string         // of the process, new with each start
	Source     netip.Addr     // of its datagrams
	Host       string         // it writes into them
	Port       int            // likewise, where it listens
	Dialled    netip.AddrPort // where others dial it, by what they go by: JCS 1.3 the host, later ones the source; zero if they can't
	Group      string         // it was heard in, "224.0.0.1:6780"
	Regions    []string       // it has named
	First      time.Time      // it was heard
	Last       time.Time

	// As the service Service of this host has it; "" where nobody is linked.
	Service string
	Ours    netip.AddrPort // where the service listens; zero if it is not known
	Wanted  bool           // it shares a region with the service and the service listens: it should have dialled it
	In, Out bool           // it has dialled the service, the service it
	Down    string         // why the service has no connection to it
}

// A JCS lends the doctor what is known of Java nodes.
type JCS struct {
	// Heard returns who was heard, and where services run how they are linked.
	Heard func(ctx context.Context) ([]JavaNode, error)
	// Owners and Has ask this machine who holds a port, and whether it has an
	// address; nil asks the real one.
	Owners func(proto string, addr netip.Addr, port uint16) ([]host.Process, error)
	Has    func(a netip.Addr) bool
}

// Checks returns the checks of Java nodes. They say nothing where none was
// heard.
//
//	jcs-nodes    which there are, of which generation, who writes to whom
//	jcs-address  where they have others dial them
//	jcs-listener somebody listens there, and it is they
//	jcs-regions  they have the same regions
func (j JCS) Checks() []Check {
	if j.Owners == nil {
		j.Owners = host.OwnersOf
	}
	if j.Has == nil {
		ifs, _ := host.Interfaces()
		j.Has = func(a netip.Addr) bool {
			return slices.ContainsFunc(ifs, func(i host.Interface) bool { return i.Has(a) })
		}
	}
	var once sync.Once
	var nodes []JavaNode
	var failed error
	with := func(look func([]JavaNode) []Finding) func(context.Context) []Finding {
		return func(ctx context.Context) []Finding {
			once.Do(func() { nodes, failed = j.Heard(ctx); nodes = living(nodes) })
			if failed != nil || len(nodes) == 0 {
				return nil // neighbours says why nobody can be heard
			}
			return look(nodes)
		}
	}
	after := []string{"multicast-loop", "udp-port"}
	return []Check{
		{Name: "jcs-nodes", DependsOn: after, Run: with(j.nodes)},
		{Name: "jcs-address", DependsOn: after, Run: with(j.addresses)},
		{Name: "jcs-listener", DependsOn: after, Run: with(j.listeners)},
		{Name: "jcs-regions", DependsOn: after, Run: with(j.regions)},
	}
}

// living leaves out nodes whose process was started anew: its successor
// announces the same place, and was first heard when they had fallen silent.
func living(nodes []JavaNode) []JavaNode {
	return slices.DeleteFunc(slices.Clone(nodes), func(n JavaNode) bool {
		return slices.ContainsFunc(nodes, func(o JavaNode) bool {
			return o.ID != n.ID && o.Source == n.Source && o.Port == n.Port && o.Generation == n.Generation && o.Group == n.Group && !o.First.Before(n.Last)
		})
	})
}

// name is how a node is called.
func (n *JavaNode) name() string {
	return fmt.Sprintf("the Java node (%s) at %s port %d", n.Generation, n.Source, n.Port)
}

func (n *JavaNode) about() []string { return []string{fmt.Sprintf("%s:%d", n.Source, n.Port), n.Group} }

// old reports whether a node speaks JCS 1.3, where others dial the host that is
// written into its datagrams.
func (n *JavaNode) old() bool { return n.Generation == "jcs-1.3" }

// nodes lists them, and names those that do not write to a service that waits
// for them.
func (j JCS) nodes(nodes []JavaNode) []Finding {
	f := Finding{Saw: fmt.Sprintf("heard %s; JCS has no versions (what arrives last counts at each node), no acknowledgements and no authentication", plural(len(nodes), "Java node"))}
	all := []Finding{}
	for _, n := range nodes {
		line := fmt.Sprintf("%s port %d, %s, regions %s", n.Source, n.Port, n.Generation, list(n.Regions))
		if n.Service != "" {
			line += fmt.Sprintf("; %s: %s", n.Service, n.direction())
		}
		f.Details = append(f.Details, line)
		if !n.Wanted || n.In || n.Last.Sub(n.First) < quiet {
			continue
		}
		w := Finding{Severity: Warning, About: n.about(),
			Saw: fmt.Sprintf("%s has told service %s nothing in the %s since it was first heard: it has not connected, or has had nothing to tell", n.name(), n.Service, n.Last.Sub(n.First).Round(time.Second)),
			Why: "Java nodes write to whom they have dialled, and to nobody else; a connection on which nothing was written yet cannot be told from any other",
			Do:  "if something is written there: see in its log what it says of that address; a firewall may be in the way"}
		if n.Generation == "jcs-2" {
			w.Do = "JCS 2 finds nobody by discovery: list this node in its TcpServers, in its cache.ccf, and start the Java process anew"
			if n.Ours.IsValid() {
				w.Do += fmt.Sprintf("; for its lateral auxiliary AUX:\n    jcs.auxiliary.AUX.attributes.TcpServers=%s", n.Ours)
			}
			w.Do += "\nif it is listed, that Java process had a connection with a former process at this port, which it never dials again: " +
				"list a second port and have the service use it (docs/migration.md), or restart the Java process"
		}
		all = append(all, w)
	}
	return append([]Finding{f}, all...)
}

// quiet is within what time a Java node that has heard of a node dials it.
const quiet = 5 * time.Second

// direction says who writes to whom.
func (n *JavaNode) direction() string {
	switch {
	case n.In && n.Out:
		return "both write"
	case n.In:
		return "it writes to the service alone"
	case n.Out:
		return "the service writes to it alone"
	}
	return cmp.Or(n.Down, "no connection")
}

func list(words []string) string {
	const most = 12
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
	}
	return cmp.Or(strings.Join(words, ", "), "none yet")
}

// addresses finds nodes of JCS 1.3 that have others dial the wrong host. Later
// generations are dialled at the source of their datagrams, whatever they say.
func (j JCS) addresses(nodes []JavaNode) []Finding {
	var all []Finding
	good := 0
	for _, n := range nodes {
		a, err := netip.ParseAddr(n.Host)
		a = a.Unmap()
		switch {
		case !n.old() || err != nil || a == n.Source:
			good++
		case a.IsLoopback() && !n.Source.IsLoopback():
			f := Finding{Severity: Failure, About: n.about(),
				Saw: fmt.Sprintf("%s announces %s, a loopback address", n.name(), n.Host),
				Why: "nodes of JCS 1.3 dial the host that is written there, and so themselves: nobody on another host writes to it",
				Do:  "on that host, let its own name lead to its network address in /etc/hosts (lateral doctor run there names the line), and start the Java process anew"}
			if j.Has(n.Source) {
				f.Do = "let this host's own name lead to its network address (see hostname), and start the Java process anew"
			}
			all = append(all, f)
		default:
			all = append(all, Finding{Severity: Warning, About: n.about(),
				Saw: fmt.Sprintf("%s announces %s, and its datagrams come from %s", n.name(), n.Host, n.Source),
				Why: "nodes of JCS 1.3 dial the host that is written there: if that is another interface of its machine (of containers, say), or an old address, they do not reach it",
				Do: fmt.Sprintf("try from another host: nc -vz %s %d\nif that fails, let the name of its host lead to %s, take the other interface down, or list the nodes in TcpServers",
					n.Host, n.Port, n.Source)})
		}
	}
	if len(all) == 0 {
		return []Finding{{Saw: fmt.Sprintf("%s can be dialled where others are told to", plural(good, "Java node"))}}
	}
	return all
}

// regions finds nodes of one generation, in one group, that have not the same
// regions.
func (j JCS) regions(nodes []JavaNode) []Finding {
	var all []Finding
	groups := map[string][]JavaNode{}
	for _, n := range nodes {
		key := n.Generation + " in " + n.Group
		groups[key] = append(groups[key], n)
	}
	compared := 0
	for _, key := range sorted(groups) {
		of := groups[key]
		if len(of) < 2 {
			continue
		}
		compared += len(of)
		have := map[string][]string{}
		for _, n := range of {
			for _, r := range n.Regions {
				have[r] = append(have[r], fmt.Sprintf("%s:%d", n.Source, n.Port))
			}
		}
		f := Finding{Severity: Warning, About: []string{of[0].Group},
			Why: "what one node puts into a region, or removes from it, does not reach a node that has not got it",
			Do: "compare the cache.ccf of these nodes. A region that no file declares is made when it is first used, and then this may pass by itself: look again in a minute.\n" +
				"Where it is to be, declare it, with the node's lateral auxiliary in place of AUX, and start the Java process anew:"}
		for _, r := range sorted(have) {
			if len(have[r]) < len(of) {
				f.Details = append(f.Details, fmt.Sprintf("region %s: on %s; not on %s", r, list(have[r]), list(without(of, have[r]))))
				if len(f.Details) <= maxDeclared {
					f.Do += fmt.Sprintf("\n    jcs.region.%s=AUX", indent(r, ""))
				}
			}
		}
		if n := len(f.Details); n > 0 {
			f.Saw = fmt.Sprintf("%d of %d regions are missing on some of the %d Java nodes of %s", n, len(have), len(of), key)
			f.Details = clip(f.Details)
			all = append(all, f)
		}
	}
	if len(all) == 0 && compared > 0 {
		return []Finding{{Saw: fmt.Sprintf("%s have the same regions as others of their generation", plural(compared, "Java node"))}}
	}
	return all
}

// maxDeclared bounds the lines that are printed to be copied.
const maxDeclared = 8

// without returns the nodes that are not among the names.
func without(nodes []JavaNode, names []string) (out []string) {
	for _, n := range nodes {
		if name := fmt.Sprintf("%s:%d", n.Source, n.Port); !slices.Contains(names, name) {
			out = append(out, name)
		}
	}
	return out
}

// clip bounds what is printed.
func clip(lines []string) []string {
	const most = 20
	if len(lines) > most {
		return append(lines[:most:most], fmt.Sprintf("and %d more", len(lines)-most))
	}
	return lines
}

func sorted[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
