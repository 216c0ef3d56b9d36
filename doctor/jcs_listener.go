// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lateral/host"
)

// A Java node whose listener's port is taken goes on without a listener, and
// announces the port nevertheless: what others write to it ends with whoever
// has the port (JCS LateralTCPListener.init logs the error and returns).

// listeners finds nodes that are deaf.
func (j JCS) listeners(nodes []JavaNode) []Finding {
	all := twice(nodes)
	told := map[netip.AddrPort]bool{}
	for _, f := range all {
		told[f.at] = true
	}
	var out []Finding
	for _, f := range all {
		out = append(out, f.Finding)
	}
	fine := 0
	for _, n := range nodes {
		if told[n.Dialled] {
			continue
		}
		f := j.listener(n)
		switch {
		case f.Severity != Ok:
			told[n.Dialled] = true
			out = append(out, f)
		case f.Saw != "":
			fine++
		}
	}
	if len(out) == 0 && fine > 0 {
		return []Finding{{Saw: fmt.Sprintf("%s of this host listen where they say", plural(fine, "Java node"))}}
	}
	return out
}

type listenerFinding struct {
	Finding
	at netip.AddrPort
}

// twice finds two living processes that say that they listen at one place. A
// process that started anew has another id, too, but its former self is silent.
func twice(nodes []JavaNode) (out []listenerFinding) {
	done := map[netip.AddrPort]bool{}
	for i, n := range nodes {
		if !n.Dialled.IsValid() || done[n.Dialled] {
			continue
		}
		rivals := []JavaNode{n}
		for _, o := range nodes[i+1:] {
			if o.Dialled == n.Dialled && o.ID != n.ID && o.Generation == n.Generation && overlap(n, o) {
				rivals = append(rivals, o)
			}
		}
		if len(rivals) < 2 {
			continue
		}
		done[n.Dialled] = true
		f := Finding{Severity: Failure, About: n.about(),
			Saw: fmt.Sprintf("%d Java processes announce that they listen at %s", len(rivals), n.Dialled),
			Why: "only one of them can: the others are deaf, since JCS goes on without its listener, and what is written to them ends with the one",
			Do: fmt.Sprintf("on %s: ss -ltnp 'sport = :%d' shows which process has the port\ngive the others a TcpListenerPort of their own in their cache.ccf, and start them anew",
				n.Dialled.Addr(), n.Dialled.Port())}
		for _, r := range rivals {
			f.Details = append(f.Details, fmt.Sprintf("%s, id %s, regions %s, last heard %s", r.Generation, r.ID, list(r.Regions), r.Last.Format(time.TimeOnly)))
		}
		out = append(out, listenerFinding{f, n.Dialled})
	}
	return out
}

// overlap reports whether both were heard after the other had been.
func overlap(a, b JavaNode) bool { return a.Last.After(b.First) && b.Last.After(a.First) }

// listener looks at one node: on this host at who holds the port, elsewhere at
// what became of a service's attempts to dial it. A Finding without a text is
// that nothing is known.
func (j JCS) listener(n JavaNode) Finding {
	if !n.Dialled.IsValid() {
		return Finding{}
	}
	if !j.Has(n.Dialled.Addr()) {
		if !strings.Contains(n.Down, "refused") {
			return Finding{}
		}
		return Finding{Severity: Failure, About: n.about(), Saw: fmt.Sprintf("%s announces %s, where nobody listens: %s", n.name(), n.Dialled, n.Down),
			Why: "it is deaf: JCS goes on without its listener when it cannot open the port, and nothing that others write reaches it",
			Do: fmt.Sprintf("run lateral doctor on %s, which names who has the port; its log has the error of LateralTCPListener\nmend that, and start the Java process anew",
				n.Dialled.Addr())}
	}
	owners, err := j.Owners("tcp", n.Dialled.Addr(), n.Dialled.Port())
	switch {
	case errors.Is(err, host.ErrFree):
		return Finding{Severity: Failure, About: n.about(), Saw: fmt.Sprintf("%s announces port %d of this host, where nobody listens", n.name(), n.Dialled.Port()),
			Why: "it is deaf: JCS goes on without its listener when it cannot open the port, and nothing that others write reaches it",
			Do:  "look in its log for the error of LateralTCPListener, and start the Java process anew"}
	case err != nil && !errors.Is(err, host.ErrHidden) || len(owners) == 0:
		return Finding{}
	}
	group, gerr := netip.ParseAddrPort(n.Group)
	if gerr != nil {
		return Finding{}
	}
	speakers, err := j.Owners("udp", netip.Addr{}, group.Port())
	if err != nil || slices.ContainsFunc(owners, func(o host.Process) bool {
		return slices.ContainsFunc(speakers, func(s host.Process) bool { return s.PID == o.PID })
	}) {
		return Finding{Saw: "it listens"} // or only root sees more
	}
	return Finding{Severity: Failure, About: n.about(), Run: stop(owners, func(path string) string { text, _ := smallFile(path); return text }),
		Saw: fmt.Sprintf("%s announces port %d of this host, which %s holds, and that takes no part in discovery (UDP port %d)", n.name(), n.Dialled.Port(), processes(owners), group.Port()),
		Why: "the node is deaf: its port was taken when it started, JCS goes on without its listener, and what others write to it ends with that process",
		Do:  fmt.Sprintf("give the Java process another TcpListenerPort, or stop %s; then start the Java process anew", processes(owners))}
}
