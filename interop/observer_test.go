// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/doctor"
	"lateral/internal/lab"
	"lateral/jcs"
)

// watched is a network of three hosts: two with a Java node of each generation,
// and one with a Lateral program that observes them all.
type watched struct {
	*lab.Lab
	t      *testing.T
	binary string
	pairs  map[generation][2]*jvm
}

const observerPort = 22100

// wrap returns what starts a program in a host.
func wrap(h *lab.Host) []string {
	args := h.Command("true").Args
	return args[:len(args)-1]
}

// twins starts two Java nodes of a generation. They find each other when the
// observer asks who is there, but those of JCS 2, who find nobody: they list the
// observer alone, so that each is deaf to the other.
func (w *watched) twins(g generation, port int) {
	var j [2]*jvm
	for i := range j {
		more := []string{".UdpDiscoveryEnabled=true", ".UdpDiscoveryAddr=224.0.0.1", ".UdpDiscoveryPort=6780"}
		if deaf(g) {
			more = append(more, fmt.Sprintf(".TcpServers=%s:%d", w.Hosts[2].Addr, observerPort))
		}
		j[i] = launch(w.t, node{g: g, port: port, more: more}, wrap(w.Hosts[i])...)
	}
	w.pairs[g] = j
}

func deaf(g generation) bool { return g.profile == "jcs2" }

// lateral runs the program with the observer's directory, and returns what it
// printed and its exit status.
func (w *watched) lateral(args ...string) (string, int) {
	w.t.Helper()
	cmd := exec.Command(w.binary, args...)
	cmd.Env = append(os.Environ(), "LATERAL_RUNTIME_DIR="+w.Hosts[2].Dir+"/run")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (w *watched) json(to any, args ...string) {
	w.t.Helper()
	out, _ := w.lateral(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), to); err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

func (w *watched) status() cache.EndpointStatus {
	w.t.Helper()
	var st []cache.Status
	w.json(&st, "stats")
	return st[0].Endpoints[0]
}

// TestObserver: an observer that knows nothing but the group hears two real
// Java nodes of each generation, sends them nothing but discovery, and names
// exactly the keys that they have come to disagree on, as the nodes themselves
// say when they are asked.
func TestObserver(t *testing.T) {
	needJava(t)
	w := &watched{Lab: lab.New(t, lab.Options{Hosts: 3}), t: t, pairs: map[generation][2]*jvm{}}
	w.binary = filepath.Join(t.TempDir(), "lateral")
	if out, err := exec.Command("go", "build", "-o", w.binary, "lateral/cmd/lateral").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := w.Hosts[2]
	seen := h.Capture(nil)
	file := filepath.Join(h.Dir, "cache.ccf")
	const a = "jcs.auxiliary.LTCP.attributes"
	text := "jcs.default=LTCP\njcs.default.cacheattributes.MaxObjects=10000\njcs.auxiliary.LTCP=org.apache.jcs" + lateralFactory + "\n" +
		a + "=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\n" + a + ".ListenOnly=true\n" +
		a + fmt.Sprintf(".TcpListenerPort=%d\n", observerPort) + a + ".UdpDiscoveryAddr=224.0.0.1\n" + a + ".UdpDiscoveryPort=6780\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := h.Start(w.binary, "run", "--service", "observer", "--config", file, "--runtime-dir", h.Dir+"/run")
	for i, g := range generations {
		w.twins(g, 22001+i)
	}
	for _, pair := range w.pairs {
		for _, j := range pair {
			j.open()
		}
	}
	for _, g := range generations {
		w.heard(g)
	}
	truth := map[string]bool{}
	for _, g := range generations {
		w.turns(g)
		w.fight(g, "cross"+g.profile+"-", truth)
	}
	w.named(truth)
	w.shown()
	w.refuses()
	w.diagnosed(file)
	p.Signal(syscall.SIGTERM)
	if err := p.Wait(20 * time.Second); err != nil {
		t.Error(err)
	}
	seen.Stop()
	w.sentNothing(seen)
}

// heard waits until what either Java node puts arrives.
func (w *watched) heard(g generation) {
	for i, j := range w.pairs[g] {
		reaches(w.t, fmt.Sprintf("JCS %s on host %d to the observer", g.name, i+1), i+1, func(k string) { j.want("ok", "put alpha s:%s%s s:v", g.profile, k) },
			func(k string) bool { _, status := w.lateral("get", "alpha", g.profile+k); return status == 0 })
		if deaf(g) {
			j.want("ok", "put beta s:%s s:v", g.profile)
			continue
		}
		eventually(w.t, "the other Java node", func() bool {
			j.want("ok", "put beta s:%s%d s:v", g.profile, i)
			return w.pairs[g][1-i].get("beta", fmt.Sprintf("s:%s%d", g.profile, i)) == "s:v"
		})
	}
}

// crossings is how many keys are fought for in each generation: all of them
// are listed.
const crossings = 20

// both has both nodes carry out a line at the same time.
func both(j [2]*jvm, lines ...string) {
	for i, l := range lines {
		fmt.Fprintln(j[i].in, l)
	}
	for i := range lines {
		j[i].line()
	}
}

// fight has the two nodes put different values under the same keys at the same
// time, and notes for which keys they hold different values then.
func (w *watched) fight(g generation, prefix string, truth map[string]bool) {
	w.t.Helper()
	j := w.pairs[g]
	both(j, fmt.Sprintf("fill alpha %s %d 1", prefix, crossings), fmt.Sprintf("fill alpha %s %d 2", prefix, crossings))
	for i := range crossings {
		key := fmt.Sprint(prefix, i)
		eventually(w.t, key+" is on both", func() bool { return j[0].get("alpha", "s:"+key) != "null" && j[1].get("alpha", "s:"+key) != "null" })
	}
	both(j, "put alpha s:same"+g.profile+" s:v", "put alpha s:same"+g.profile+" s:v")
	// What was put after the keys has arrived on both, and so have they.
	both(j, "put alpha s:fence0"+prefix+" s:v", "put alpha s:fence1"+prefix+" s:v")
	eventually(w.t, "each has heard the other", func() bool {
		return deaf(g) || j[0].get("alpha", "s:fence1"+prefix) == "s:v" && j[1].get("alpha", "s:fence0"+prefix) == "s:v"
	})
	for i := range crossings {
		key := fmt.Sprint(prefix, i)
		if j[0].get("alpha", "s:"+key) != j[1].get("alpha", "s:"+key) {
			truth[key] = true
		}
	}
}

// turns has one write after the other.
func (w *watched) turns(g generation) {
	w.t.Helper()
	j, key := w.pairs[g], "turn"+g.profile
	j[0].want("ok", "put alpha s:%s s:first", key)
	eventually(w.t, "the observer has the first value", func() bool { _, status := w.lateral("get", "alpha", key); return status == 0 })
	began := time.Now()
	eventually(w.t, "the first value is old", func() bool {
		return time.Since(began) > time.Second && (deaf(g) || j[1].get("alpha", "s:"+key) == "s:first")
	})
	j[1].want("ok", "put alpha s:%s s:second", key)
	eventually(w.t, "the second value is there", func() bool { return deaf(g) || j[0].get("alpha", "s:"+key) == "s:second" })
}

// named holds what the observer says against the truth.
func (w *watched) named(truth map[string]bool) {
	w.t.Helper()
	for round := 0; w.status().Observed.Crossed+w.status().Observed.Unsettled == 0 || len(truth) == 0; round++ { // on a machine too busy for "at the same time"
		w.fight(generations[2], fmt.Sprintf("cross%d-", round), truth)
	}
	var v cache.Verification
	got := map[string]cache.Dispute{}
	eventually(w.t, "all keys in dispute are named", func() bool {
		v, got = cache.Verification{}, map[string]cache.Dispute{}
		w.json(&v, "verify", "alpha")
		for _, d := range v.Regions[0].Disputes {
			got[d.Key] = d
		}
		for key := range truth {
			if got[key].Kind == "" && len(got) < cache.MaxDifferences {
				return false
			}
		}
		return w.status().Observed.Unsettled == 0
	})
	w.t.Logf("the Java nodes disagree on %d keys; of %d the observer says that they crossed", len(truth), v.Regions[0].Total)
	if v.Verdict != cache.Different || v.Regions[0].Total == 0 {
		w.t.Errorf("%s, %d", v.Verdict, v.Regions[0].Total)
	}
	for key, d := range got {
		switch {
		case strings.HasPrefix(key, "cross"): // or it may have gone well
		case strings.HasPrefix(key, "turn") && d.Kind == cache.InTurn:
		default:
			w.t.Errorf("%s is called %s", key, d.Kind)
		}
		if len(d.Said) != 2 || d.Said[0].ID == d.Said[1].ID || d.Said[0].Value == d.Said[1].Value || d.Said[0].At.IsZero() {
			w.t.Errorf("%s: %+v", d.Key, d.Said)
		}
	}
}

// shown looks at what people see.
func (w *watched) shown() {
	w.t.Helper()
	e := w.status()
	gens := map[string]int{}
	for _, n := range e.Observed.Nodes {
		if len(n.Regions) != 2 || n.Regions[0].Region != "alpha" || n.Regions[0].Puts < crossings || n.Regions[0].PerSecond <= 0 || n.Regions[0].Bytes == 0 || n.Regions[1].Puts == 0 {
			w.t.Errorf("%+v", n)
		}
		gens[n.Generation]++
	}
	for _, g := range generations {
		if gens[g.family] != 2 {
			w.t.Errorf("%d nodes of JCS %s", gens[g.family], g.name)
		}
	}
	if len(e.JavaNodes) != 6 || len(e.JavaDown) > 0 || e.Counters["jcs_dialled"]+e.Counters["jcs_messages_out"]+e.Counters["jcs_skipped"]+e.Counters["jcs_refused"]+e.Counters["jcs_unapplied"] > 0 {
		w.t.Errorf("%+v %v %v", e.JavaNodes, e.JavaDown, e.Counters)
	}
	for name, want := range map[string][]string{
		"stats":  {"observes (ListenOnly)", "per second", "keys are crossed", "replicate with jcs-1.3, jcs-2, jcs-3", "no versions and no authentication"},
		"mesh":   {"(observer)", "jcs-1.3", "2 jcs-2", "no versions", "no authentication"},
		"verify": {"region alpha: ", "crossed", w.Hosts[0].Addr.String() + ":22003"},
	} {
		out, _ := w.lateral(name)
		for _, text := range want {
			if !strings.Contains(out, text) {
				w.t.Errorf("%s does not say %q:\n%s", name, text, out)
			}
		}
	}
	if _, status := w.lateral("verify", "alpha"); status != 1 {
		w.t.Errorf("verify of a region in dispute ends with %d", status)
	}
	if _, status := w.lateral("verify", "beta"); status != 2 {
		w.t.Errorf("verify of one that is not ends with %d", status)
	}
}

// diagnosed has the doctor look at the Java nodes: on the observer's host by
// what that has heard, and on another, where no service runs, by an ear of its
// own. There one more node has its listener's port taken by another process
// (this one).
func (w *watched) diagnosed(file string) {
	w.t.Helper()
	found := w.doctor(w.Hosts[2], file, "LATERAL_RUNTIME_DIR="+w.Hosts[2].Dir+"/run")
	if f := found["jcs-nodes"]; len(f) != 1 || !strings.Contains(f[0].Saw, "6 Java nodes") || !strings.Contains(strings.Join(f[0].Details, "\n"), "jcs-3, regions alpha, beta; observer: it writes to the service alone") {
		w.t.Errorf("%+v", f)
	}
	for _, check := range []string{"jcs-address", "jcs-regions"} {
		if f := found[check]; len(f) != 1 || f[0].Severity != doctor.Ok {
			w.t.Errorf("%+v", f)
		}
	}
	h := w.Hosts[0]
	var taken net.Listener
	var err error
	h.Do(func() { taken, err = net.Listen("tcp4", "0.0.0.0:22009") })
	if err != nil {
		w.t.Fatal(err)
	}
	defer taken.Close()
	g := generations[0]
	launch(w.t, node{g: g, port: 22009, more: []string{"jcs.region.gamma=LTCP", ".UdpDiscoveryEnabled=true", ".UdpDiscoveryAddr=224.0.0.1", ".UdpDiscoveryPort=6780"}}, wrap(h)...).open()
	eventually(w.t, "the deaf node is named", func() bool {
		found = w.doctor(h, file)
		return len(found["jcs-listener"]) == 1 && found["jcs-listener"][0].Severity == doctor.Failure && found["jcs-regions"][0].Severity == doctor.Warning
	})
	if f := found["jcs-listener"][0]; !strings.Contains(f.Saw, fmt.Sprintf("port 22009 of this host, which %d/", os.Getpid())) {
		w.t.Errorf("%+v", f)
	}
	if f := found["jcs-regions"][0]; !strings.Contains(strings.Join(f.Details, "\n"), "region gamma: on "+h.Addr.String()+":22009") {
		w.t.Errorf("%+v", f)
	}
}

// doctor runs it on a host, and returns its findings by check.
func (w *watched) doctor(h *lab.Host, file string, env ...string) map[string][]doctor.Finding {
	w.t.Helper()
	cmd := h.Command(w.binary, "doctor", "--json", "--config", file)
	cmd.Env = append(append(os.Environ(), "LATERAL_RUNTIME_DIR="+h.Dir+"/run"), env...)
	out, _ := cmd.Output() // its status is that of the worst finding
	var r doctor.Report
	if err := json.Unmarshal(out, &r); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	found := map[string][]doctor.Finding{}
	for _, f := range r.Findings {
		found[f.Check] = append(found[f.Check], f)
	}
	return found
}

// refuses tries to write.
func (w *watched) refuses() {
	w.t.Helper()
	for _, args := range [][]string{{"put", "alpha", "k", "v"}, {"rm", "alpha", "same" + generations[0].profile}, {"clear", "alpha", "--yes"}, {"take", "alpha", "k"}} {
		if out, status := w.lateral(args...); status == 0 || !strings.Contains(out, "ListenOnly") && args[0] != "clear" {
			w.t.Errorf("%v: status %d\n%s", args, status, out)
		}
	}
	for g, pair := range w.pairs {
		for _, j := range pair {
			if got := j.get("alpha", "s:same"+g.profile); got != "s:v" {
				w.t.Errorf("JCS %s holds %s", g.name, got)
			}
		}
	}
}

// sentNothing looks at every packet of the observer's host: it has dialled
// nobody, its end of each connection has carried no byte, and its datagrams are
// discovery's.
func (w *watched) sentNothing(seen *lab.Capture) {
	w.t.Helper()
	kinds := map[jcs.Kind]int{}
	heard := 0
	for _, p := range seen.Packets() {
		if p.Src.Addr() != w.Hosts[2].Addr {
			if p.Proto == lab.TCP && len(p.Payload) > 0 {
				heard++
			}
			continue
		}
		switch {
		case p.Proto == lab.TCP && p.Src.Port() != observerPort:
			w.t.Fatalf("it has dialled %s", p.Dst)
		case p.Proto == lab.TCP && len(p.Payload) > 0:
			w.t.Fatalf("it has told %s %q", p.Dst, p.Payload)
		case p.Proto == lab.UDP:
			d, rest, err := jcs.DecodePacket(p.Payload, &jcs.Serializer{})
			if err != nil || len(rest) > 0 {
				w.t.Fatalf("a datagram to %s that is not all of discovery's: %v, % x", p.Dst, err, rest)
			}
			kinds[d.Kind]++
			if d.Kind == jcs.Passive && !slices.Equal(slices.Sorted(slices.Values(d.Regions)), d.Regions) {
				w.t.Logf("regions %v", d.Regions)
			}
		}
	}
	w.t.Logf("sent: %v, and %d segments heard", kinds, heard)
	if kinds[jcs.Passive] == 0 || kinds[jcs.Request] == 0 || kinds[jcs.Withdrawal] == 0 || heard == 0 {
		w.t.Error("the capture has not seen all")
	}
}
