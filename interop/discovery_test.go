// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/internal/lab"
)

// inside runs the test anew in a network namespace of its own, with one
// interface that multicast does not leave, and reports whether this is that
// run.
func inside(t *testing.T) bool {
	t.Helper()
	needJava(t)
	const mark = "LATERAL_INTEROP_INSIDE"
	if os.Getenv(mark) != "" {
		for _, c := range []string{"link set lo up", "link add jcs0 type veth peer name jcs1", "link set jcs1 up", "addr add 10.77.0.1/24 dev jcs0", "link set jcs0 up multicast on",
			"route add 224.0.0.0/4 dev jcs0"} {
			if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil && !bytes.Contains(out, []byte("exists")) {
				t.Fatalf("ip %s: %v: %s", c, err, out)
			}
		}
		return true
	}
	if err := exec.Command("unshare", "-n", "true").Run(); err != nil || os.Getuid() != 0 {
		lab.Missing(t, "lab", "needs root and unshare, for a network of its own: multicast must not leave this machine")
	}
	args := []string{"-n", os.Args[0], "-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=5m", "-test.parallel=4"} // they wait more than they work
	if *remake {
		args = append(args, "-remake")
	}
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), mark+"="+tools.dir)
	out, err := cmd.CombinedOutput()
	if err != nil || testing.Verbose() {
		t.Logf("in a namespace:\n%s", out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return false
}

// discovering is a node that finds others by multicast, in the group of that
// port.
func discovering(g generation, group, port int, more ...string) node {
	return node{g: g, port: port, more: append(more, ".UdpDiscoveryEnabled=true", ".UdpDiscoveryAddr=228.5.6.7", fmt.Sprint(".UdpDiscoveryPort=", group))}
}

// ports are those of a generation, which has its test run beside the others': of
// its group and of its nodes.
func (g generation) ports() (group int, nodes [4]int) {
	i := slices.Index(generations, g)
	for n := range nodes {
		nodes[n] = 22001 + 10*i + n
	}
	return 6780 + i, nodes
}

// TestDiscovery: two Java and two Lateral nodes find each other by multicast,
// on the ports and the group of the ccf, and each writes to all others.
func TestDiscovery(t *testing.T) {
	if !inside(t) {
		return
	}
	each(t, func(t *testing.T, g generation) {
		group, ports := g.ports()
		j1 := start(t, discovering(g, group, ports[0]))
		l1 := openAt(t, discovering(g, group, ports[1]))
		l2 := openAt(t, discovering(g, group, ports[2]))
		j2 := start(t, discovering(g, group, ports[3]))
		began := time.Now()
		eventually(t, "the two Lateral nodes have one mesh link", func() bool { m := l1.Mesh(); return m.Complete && m.Nodes == 2 })
		linked(t, l1, g, 2)
		linked(t, l2, g, 2)
		t.Logf("all Java nodes are dialled %v after the last has its regions", time.Since(began).Round(time.Millisecond))
		n := 0
		for name, l := range map[string]*lateral.Node{"first": l1, "second": l2} {
			for jn, j := range map[string]*jvm{"first": j1, "second": j2} {
				n++
				reaches(t, name+" Lateral to "+jn+" Java", n, lateralPuts(t, l), javaHas(j))
				if g.profile != "jcs2" { // whose discovery finds nobody (jcs-protocol.md section 5)
					n++
					reaches(t, jn+" Java to "+name+" Lateral", n, javaPuts(j), lateralHas(t, l))
				}
			}
		}
		reaches(t, "Lateral to Lateral", 99, lateralPuts(t, l1), lateralHas(t, l2))
		for _, l := range []*lateral.Node{l1, l2} {
			for _, k := range l.Status().Endpoints[0].Links {
				if k.Protocol != "mesh" && k.Protocol != g.family {
					t.Errorf("a link speaks %s", k.Protocol)
				}
			}
			if m := l.Mesh(); !m.Complete || m.Nodes != 2 || len(m.Links) < 3 {
				t.Errorf("%+v", m)
			}
		}
		j1.want("ok", "shutdown")
		if g.profile == "jcs3" {
			linked(t, l1, g, 1) // it said goodbye
		}
	})
}

// TestBridge: Java nodes of JCS 1.3, 2.2.1 and 3.2.1, which can't talk to each
// other, do through a Lateral node with Bridge=true; and what it passed on with
// a class of the application's own is named for each way.
func TestBridge(t *testing.T) {
	if !inside(t) {
		return
	}
	needJava(t)
	l := openAt(t, discovering(generations[0], 6780, 22001, ".Bridge=true"))
	var jvms []*jvm
	for i, g := range generations {
		n := discovering(g, 6780, 22002+i)
		if g.profile == "jcs2" { // whose discovery finds nobody
			n.more = append(n.more, ".TcpServers=127.0.0.1:22001")
		}
		jvms = append(jvms, launch(t, n))
	}
	for i, j := range jvms {
		j.open()
		linked(t, l, generations[i], 1)
	}
	for i, from := range jvms {
		for k, to := range jvms {
			if from != to {
				crosses(t, from, to, 3*i+k)
			}
		}
	}
	e := l.Status().Endpoints[0]
	c := e.Counters
	if c["jcs_bridged"] < 48 || c["jcs_bridged_foreign"] != 6 || c["jcs_untold"]+c["jcs_unapplied"]+c["jcs_skipped"] > 0 {
		t.Errorf("%v", c)
	}
	var ways []string
	for _, x := range e.JavaLosses { // each person went to both others
		if x.Kind != cache.LossClass || x.Class != "Driver$Person" || x.Region != "alpha" || x.Count != 2 || !strings.HasPrefix(x.Key, "person") {
			t.Errorf("%+v", x)
		}
		ways = append(ways, x.Way())
	}
	slices.Sort(ways)
	if want := []string{"jcs-1.3 → jcs-2", "jcs-1.3 → jcs-3", "jcs-2 → jcs-1.3", "jcs-2 → jcs-3", "jcs-3 → jcs-1.3", "jcs-3 → jcs-2"}; !slices.Equal(ways, want) || len(e.Relayed) != len(want) {
		t.Errorf("%v, %v", ways, e.Relayed)
	}
	// Nothing runs in circles: after a while of silence nothing was sent.
	before := c["jcs_messages_out"]
	time.Sleep(300 * time.Millisecond)
	if after := l.Status().Endpoints[0].Counters["jcs_messages_out"]; after != before {
		t.Errorf("%d messages became %d in silence", before, after)
	}
}

// crosses has one Java node say everything, and another of another generation
// hear it.
func crosses(t *testing.T, from, to *jvm, i int) {
	t.Helper()
	name := "from JCS " + from.g.name + " to " + to.g.name
	reaches(t, name, i, javaPuts(from), javaHas(to))
	from.want("ok", "put alpha i:%d list:a,b", i)
	eventually(t, name+": a key and a value that are no strings", func() bool { return to.get("alpha", fmt.Sprintf("i:%d", i)) == "list:a,b" })
	to.want("ok", "remove alpha i:%d", i)
	eventually(t, name+": removal in return", func() bool { return from.get("alpha", fmt.Sprintf("i:%d", i)) == "null" })

	from.want("ok", "gput alpha grp%d s:user s:bob", i)
	from.want("ok", "gput alpha grp%d s:mail s:bob@x", i)
	eventually(t, name+": a group", func() bool {
		return to.ask("gget alpha grp%d s:user", i) == "s:bob" && to.ask("gget alpha grp%d s:mail", i) == "s:bob%40x"
	})
	from.want("ok", "gremove alpha grp%d s:user", i)
	eventually(t, name+": one of a group", func() bool { return to.ask("gget alpha grp%d s:user", i) == "null" })
	from.want("ok", "ginvalidate alpha grp%d", i)
	eventually(t, name+": the group", func() bool { return to.ask("gget alpha grp%d s:mail", i) == "null" })

	from.want("ok", "put alpha s:person%d person:Ann", i)
	eventually(t, name+": a class of the application", func() bool { return to.get("alpha", fmt.Sprintf("s:person%d", i)) == "person:Ann3truetrue" })
	from.want("ok", "clear alpha")
	eventually(t, name+": clear", func() bool { return to.ask("size alpha") == "0" })
}
