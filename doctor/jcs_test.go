// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lateral/host"
)

// javaAt is a Java node of JCS 1.3 as it should be, heard for half a minute.
func javaAt(addr, id string) JavaNode {
	at := netip.MustParseAddrPort(addr)
	now := time.Now()
	return JavaNode{Generation: "jcs-1.3", ID: id, Source: at.Addr(), Host: at.Addr().String(), Port: int(at.Port()), Dialled: at, Group: "224.0.0.1:6780",
		Regions: []string{"User", "Context"}, First: now.Add(-time.Minute), Last: now}
}

// look runs the checks on a machine at 10.0.2.11, where port 1110 is a Java
// process's that takes part in discovery, 1111 is a web server's, and no other
// is anybody's.
func lookAt(nodes ...JavaNode) Report {
	java, nginx := host.Process{PID: 7, Name: "java"}, host.Process{PID: 8, Name: "nginx"}
	held := map[string][]host.Process{"tcp 1110": {java}, "tcp 1111": {nginx}, "udp 6780": {java}}
	j := JCS{Heard: func(context.Context) ([]JavaNode, error) { return nodes, nil }, Has: func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.2.11") },
		Owners: func(proto string, _ netip.Addr, port uint16) ([]host.Process, error) {
			all := held[fmt.Sprintf("%s %d", proto, port)]
			if all == nil {
				return nil, host.ErrFree
			}
			return all, nil
		}}
	return runAll(context.Background(), j.Checks())
}

// TestJavaTraps: each trap is named, and nothing else is.
func TestJavaTraps(t *testing.T) {
	with := func(n JavaNode, change func(n *JavaNode)) JavaNode { change(&n); return n }
	good := javaAt("10.0.2.11:1110", "a")
	other := javaAt("10.0.2.12:1110", "b")
	for name, c := range map[string]struct {
		nodes []JavaNode
		check string // that finds something; "" is none
		worst Severity
		texts []string
	}{
		"two good ones": {nodes: []JavaNode{good, other}},
		"loopback": {[]JavaNode{good, with(other, func(n *JavaNode) { n.Host, n.Dialled = "127.0.0.1", netip.MustParseAddrPort("127.0.0.1:1110") })},
			"jcs-address", Failure, []string{"10.0.2.12 port 1110 announces 127.0.0.1, a loopback address", "dial", "/etc/hosts"}},
		"another interface's": {[]JavaNode{good, with(other, func(n *JavaNode) { n.Host, n.Dialled = "172.17.0.1", netip.MustParseAddrPort("172.17.0.1:1110") })},
			"jcs-address", Warning, []string{"announces 172.17.0.1, and its datagrams come from 10.0.2.12", "nc -vz 172.17.0.1 1110"}},
		"JCS 3 may write any host": {nodes: []JavaNode{with(good, func(n *JavaNode) { n.Generation, n.Host = "jcs-3", "127.0.0.1" })}},
		"the port is another's": {[]JavaNode{with(good, func(n *JavaNode) { n.Port, n.Dialled = 1111, netip.MustParseAddrPort("10.0.2.11:1111") })},
			"jcs-listener", Failure, []string{"announces port 1111 of this host, which 8/nginx holds", "deaf", "TcpListenerPort"}},
		"nobody listens": {[]JavaNode{with(good, func(n *JavaNode) { n.Port, n.Dialled = 1112, netip.MustParseAddrPort("10.0.2.11:1112") })},
			"jcs-listener", Failure, []string{"port 1112 of this host, where nobody listens", "LateralTCPListener"}},
		"nobody listens elsewhere": {[]JavaNode{with(other, func(n *JavaNode) { n.Down = "dial tcp 10.0.2.12:1110: connect: connection refused" })},
			"jcs-listener", Failure, []string{"10.0.2.12:1110, where nobody listens", "connection refused", "run lateral doctor on 10.0.2.12"}},
		"elsewhere, cut off": {nodes: []JavaNode{with(other, func(n *JavaNode) { n.Down = "i/o timeout" })}},
		"two at one port": {[]JavaNode{other, with(other, func(n *JavaNode) { n.ID, n.First = "c", n.First.Add(time.Second) })},
			"jcs-listener", Failure, []string{"2 Java processes announce that they listen at 10.0.2.12:1110", "ss -ltnp"}},
		"one that started anew": {nodes: []JavaNode{with(other, func(n *JavaNode) { n.Last = n.First.Add(time.Second) }),
			with(other, func(n *JavaNode) { n.ID, n.First = "c", n.First.Add(2*time.Second) })}},
		"one that started anew with another file": {nodes: []JavaNode{good, with(other, func(n *JavaNode) { n.Regions, n.Last = []string{"User"}, n.First.Add(time.Second) }),
			with(other, func(n *JavaNode) { n.ID, n.First = "c", n.First.Add(2*time.Second) })}},
		"a region is missing": {[]JavaNode{good, with(other, func(n *JavaNode) { n.Regions = []string{"User"} })},
			"jcs-regions", Warning, []string{"1 of 2 regions are missing on some of the 2 Java nodes", "cache.ccf", "region Context: on 10.0.2.11:1110; not on 10.0.2.12:1110"}},
		"generations are apart": {nodes: []JavaNode{good, with(other, func(n *JavaNode) { n.Generation, n.Regions = "jcs-3", nil })}},
		"it never connects": {[]JavaNode{with(other, func(n *JavaNode) { n.Service, n.Wanted, n.Out = "web", true, true })},
			"jcs-nodes", Warning, []string{"has told service web nothing in the 1m0s", "it has not connected, or has had nothing to tell"}},
		"JCS 2 never does": {[]JavaNode{with(other, func(n *JavaNode) { n.Generation, n.Service, n.Wanted, n.Out = "jcs-2", "web", true, true })},
			"jcs-nodes", Warning, []string{"list this node in its TcpServers"}},
		"it was just heard": {nodes: []JavaNode{with(other, func(n *JavaNode) { n.Service, n.Wanted, n.Out, n.First = "web", true, true, n.Last.Add(-time.Second) })}},
	} {
		t.Run(name, func(t *testing.T) {
			r := lookAt(c.nodes...)
			var found []Finding
			for _, f := range r.Findings {
				if f.Severity != Ok {
					found = append(found, f)
				}
			}
			if c.check == "" {
				if len(found) > 0 {
					t.Errorf("%+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Check != c.check || found[0].Severity != c.worst {
				t.Fatalf("%+v", found)
			}
			f := found[0]
			text := strings.Join(append([]string{f.Saw, f.Why, f.Do}, f.Details...), "\n")
			for _, part := range c.texts {
				if !strings.Contains(text, part) {
					t.Errorf("it does not say %q:\n%s", part, text)
				}
			}
			if f.Why == "" || f.Do == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestJavaNodesAreListed: with generation, direction and what they cannot do;
// and where there are none, nothing is said.
func TestJavaNodesAreListed(t *testing.T) {
	n := javaAt("10.0.2.12:1110", "b")
	n.Service, n.In = "web", true
	r := lookAt(n, javaAt("10.0.2.13:1110", "c"))
	f := r.Findings[0]
	text := f.Saw + strings.Join(f.Details, "\n")
	for _, part := range []string{"2 Java nodes", "no versions", "no authentication", "10.0.2.12 port 1110, jcs-1.3, regions User, Context; web: it writes to the service alone"} {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
	if r = lookAt(); len(r.Findings) != 0 {
		t.Errorf("%+v", r.Findings)
	}
	j := JCS{Heard: func(context.Context) ([]JavaNode, error) { return nil, errors.New("no socket") }}
	if r = runAll(context.Background(), j.Checks()); len(r.Findings) != 0 {
		t.Errorf("%+v", r.Findings)
	}
}
