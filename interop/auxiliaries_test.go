// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"fmt"
	"testing"

	"lateral/cache"
)

// second adds a second lateral cache to a node, which region beta has: with a
// port, a group and peers of its own, and values that do not travel.
func second(n node, port, group int, peers ...string) node {
	const b = "jcs.auxiliary.OTHER"
	a := b + ".attributes"
	n.more = append(n.more[:len(n.more):len(n.more)], "jcs.region.beta=OTHER",
		b+"="+n.g.root+lateralFactory, a+"="+n.g.root+".auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes",
		a+".TransmissionTypeName=TCP", fmt.Sprintf("%s.TcpListenerPort=%d", a, port), a+".IssueRemoveOnPut=true", a+".EventQueueType=SINGLE")
	if group == 0 {
		n.more = append(n.more, a+".TcpServers="+peers[0], a+".UdpDiscoveryEnabled=false")
	} else {
		n.more = append(n.more, a+".UdpDiscoveryEnabled=true", a+".UdpDiscoveryAddr=228.5.6.7", fmt.Sprint(a, ".UdpDiscoveryPort=", group))
	}
	return n
}

// TestTwoAuxiliaries: a Lateral and a Java process, each with two lateral
// caches in one cache.ccf, which find and link each other one by one. In one
// values travel; in the other a put tells the other side to drop what it has.
func TestTwoAuxiliaries(t *testing.T) {
	t.Parallel() // with TestKill
	if !inside(t) {
		return
	}
	each(t, func(t *testing.T, g generation) {
		group, p := g.ports()
		lateral, java := second(discovering(g, group, p[0]), p[1], group+20), second(discovering(g, group, p[2]), p[3], group+20)
		if g.profile == "jcs2" { // its discovery finds nobody
			at := func(port int) string { return fmt.Sprint("127.0.0.1:", port) }
			lateral = second(node{g: g, port: p[0], peers: []int{p[2]}}, p[1], 0, at(p[3]))
			java = second(node{g: g, port: p[2], peers: []int{p[0]}}, p[3], 0, at(p[1]))
		}
		l := openAt(t, lateral)
		j := start(t, java)
		if n := len(l.Status().Endpoints); n != 2 {
			t.Fatalf("%d endpoints", n)
		}
		for i := range 2 {
			eventually(t, "each endpoint dials its Java node", func() bool {
				ls := l.Status().Endpoints[i].Links
				return len(ls) > 0 && ls[0].Direction == "out" && ls[0].Protocol == g.family
			})
		}
		reaches(t, "Lateral to Java", 1, lateralPuts(t, l), javaHas(j))
		reaches(t, "Java to Lateral", 2, javaPuts(j), lateralHas(t, l))

		beta := func(op cache.Op, value string) cache.Reply {
			t.Helper()
			return do(t, l, cache.Command{Op: op, Region: "beta", Key: "k", Value: cache.Value{Bytes: value}}) // a get asks nobody: PutOnlyMode
		}
		// Each side drops what it holds when the other puts something else.
		eventually(t, "Java drops what Lateral puts otherwise", func() bool {
			j.want("ok", "put beta s:k s:java") // again, as JCS tells nobody who is not linked yet
			beta(cache.Put, "lateral")
			return j.get("beta", "s:k") == "null"
		})
		eventually(t, "Lateral drops what Java puts otherwise", func() bool {
			beta(cache.Put, "lateral")
			j.want("ok", "put beta s:k s:java")
			return !beta(cache.Get, "").Found
		})
		// Removal of a key, and of all, in one is none in the other.
		put(t, l, "k", "v")
		eventually(t, "the put there", func() bool { return j.get("alpha", "s:k") == "s:v" })
		other := j.get("beta", "s:k")
		do(t, l, cache.Command{Op: cache.Remove, Key: "k"})
		eventually(t, "Java removes", func() bool { return j.get("alpha", "s:k") == "null" })
		if got := j.get("beta", "s:k"); got != other {
			t.Errorf("the other region had %s and has %s", other, got)
		}
		j.want("ok", "put alpha s:k s:again")
		eventually(t, "the put here", func() bool { _, ok := held(t, l, "k"); return ok })
		do(t, l, cache.Command{Op: cache.RemoveAll, Region: "beta"})
		eventually(t, "Java clears", func() bool { return j.ask("size beta") == "0" })
		if j.get("alpha", "s:k") != "s:again" {
			t.Error("a region of the other auxiliary was cleared, too")
		}
		j.want("ok", "remove alpha s:k")
		eventually(t, "Lateral removes", func() bool { _, ok := held(t, l, "k"); return !ok })
		for _, e := range l.Status().Endpoints {
			if c := e.Counters; c["jcs_messages_out"] == 0 || c["jcs_messages_in"] == 0 || c["jcs_skipped"]+c["jcs_unapplied"]+c["jcs_untold"] > 0 {
				t.Errorf("%s: %v", e.Endpoint, c)
			}
		}
	})
}
