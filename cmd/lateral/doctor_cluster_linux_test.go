// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/doctor"
	"lateral/internal/lab"
	"lateral/secret"
)

// members are hosts with a service each, in one cluster.
type members struct {
	t     *testing.T
	bin   string
	lab   *lab.Lab
	hosts []*patient
	procs []*lab.Proc
}

func newMembers(t *testing.T, n int) *members {
	l := lab.New(t, lab.Options{Hosts: n})
	m := &members{t: t, lab: l, bin: binaries(t)}
	for _, h := range l.Hosts {
		p := &patient{t: t, h: h, fill: strings.NewReplacer("@DIR", h.Dir)}
		m.hosts = append(m.hosts, p)
		p.write("cache.ccf", with("LinkTimeout=1500ms", "HeartbeatInterval=300ms")+"jcs.region.Differs=A\n")
		must(t, os.Mkdir(filepath.Join(h.Dir, "bin"), 0o755))
		for _, c := range clockIs("0s") {
			p.shell(m.bin, c)
		}
	}
	key := filepath.Join(l.Hosts[0].Dir, "cluster.secret")
	_, err := secret.Create(key, time.Now())
	must(t, err)
	b, err := os.ReadFile(key)
	must(t, err)
	for _, p := range m.hosts[1:] {
		p.write("cluster.secret", string(b))
	}
	m.procs = make([]*lab.Proc, n)
	for i := range m.hosts {
		m.start(i)
	}
	m.whole()
	return m
}

func (m *members) start(host int) {
	m.procs[host] = m.hosts[host].start(m.bin, "run", "--service", "groupware", "--config", "cache.ccf", "--runtime-dir", "run")
}

func (m *members) anew(host int) {
	m.procs[host].Signal(syscall.SIGTERM)
	must(m.t, m.procs[host].Wait(20*time.Second))
	m.start(host)
	m.whole()
}

// whole waits until all links are there.
func (m *members) whole() {
	m.t.Helper()
	for i := range m.hosts {
		m.shell(i, fmt.Sprintf("lateral mesh --wait 20s --nodes %d", len(m.hosts)))
	}
}

func (m *members) shell(host int, line string) { m.t.Helper(); m.hosts[host].shell(m.bin, line) }

// survey is lateral doctor --cluster, as JSON and as people see it, on a host.
func (m *members) survey(host, exit int, flags string) (r doctor.Report, out string) {
	m.t.Helper()
	b, err := m.hosts[host].command(m.bin, "exec lateral doctor --cluster --runtime-dir run "+flags).Output()
	got := 0
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		got = e.ExitCode()
	} else if err != nil {
		m.t.Fatal(err)
	}
	if flags == "--json" {
		must(m.t, json.Unmarshal(b, &r))
		var text strings.Builder
		must(m.t, doctor.WriteTable(&text, r.Surveys))
		out = text.String()
	} else {
		out = string(b)
	}
	if exit >= 0 && got != exit {
		m.t.Errorf("exit %d, want %d:\n%s", got, exit, b)
	}
	return r, out
}

// bad returns what is printed as bad, each with the lines of its remedy that
// begin with one of those words.
func bad(r doctor.Report, begins ...string) (said []string, remedies []string) {
	for _, f := range r.Findings {
		if f.Severity == doctor.Ok || f.Because != "" {
			continue
		}
		said = append(said, f.Check+": "+f.Saw)
		for line := range strings.Lines(f.Do) {
			if line = strings.TrimSpace(line); slices.ContainsFunc(begins, func(word string) bool { return strings.HasPrefix(line, word) }) {
				remedies = append(remedies, line)
			}
		}
	}
	return said, remedies
}

// TestClusterDoctor: what is lost in one direction between two of three hosts
// is named with its direction, and the remedy, run there, mends it.
func TestClusterDoctor(t *testing.T) {
	t.Parallel()
	m := newMembers(t, 3)
	_, out := m.survey(0, 0, "")
	for _, want := range []string{
		"224.0.0.1:6780\n", "  1  oxgw01/groupware  10.77.0.1 port 57462\n",
		"  1    · eth0 eth0\n  2 eth0    · eth0\n  3 eth0 eth0    ·\n", "  1   ·  ok  ok\n  2  ok   ·  ok\n  3  ok  ok   ·\n", "  1    · 1500 1500\n  2 1500    · 1500\n  3 1500 1500    ·\n", "packets as large as hosts send, 1500 bytes, arrive (6 directions)",
		"every member hears every other in 224.0.0.1:6780", "every member can connect to every other (6 directions)", "0 failures, 0 warnings"} {
		if !strings.Contains(out, want) {
			t.Errorf("healthy: no %q in\n%s", want, out)
		}
	}
	for i, p := range m.procs { // to be measured is no reason to complain
		if out := strings.Join(p.Lines(), "\n"); strings.Contains(out, "connection refused") {
			t.Errorf("host %d logs\n%s", i+1, out)
		}
	}
	// Two things at once: each is told of by itself.
	const multicast, tcp = "iptables -A INPUT -s 10.77.0.1 -p udp -j DROP", "iptables -A INPUT -s 10.77.0.1 -p tcp --syn --dport 57462 -j DROP"
	m.shell(1, multicast)
	m.shell(2, tcp)
	r, table := m.survey(0, 1, "--json")
	said, remedies := bad(r, "iptables ")
	want := []string{"multicast: oxgw02/groupware does not hear oxgw01/groupware by multicast; the other direction is well",
		"tcp: oxgw01/groupware can't connect to oxgw03/groupware at 10.77.0.3:57462: i/o timeout; the other direction is well"}
	if !slices.Equal(said, want) || len(remedies) != 2 || !strings.Contains(table, "  1    ·   NO eth0\n  2 eth0    · eth0\n") || !strings.Contains(table, "  1   ·  ok  NO\n  2  ok   ·  ok\n  3  ok  ok   ·\n") {
		t.Fatalf("the doctor says %q, remedies %q, want %q\n%s", said, remedies, want, table)
	}
	pg := &trapPage{said: map[string]string{clusterBlock: clockText.ReplaceAllString(clockNoise.ReplaceAllString(table, "<10ms")+text(r), "differ by 1ms at most")}}
	pg.compare(t)
	m.shell(1, remedies[0])
	m.shell(2, remedies[1])
	m.survey(2, 0, "--json")
	m.otherwise()
	m.narrow()
	m.cut()
}

var (
	clockText  = regexp.MustCompile(`differ by \S+ at most`)
	clockNoise = regexp.MustCompile(`[+-]\d\dms`) // what a busy machine makes of clocks that are one
)

// otherwise: one host has another MTU and makes something else of a region, and
// the clock of another is off. Each is named with its host, and the remedy, run
// there, mends it.
func (m *members) otherwise() {
	m.t.Helper()
	m.shell(1, "echo jcs.region.Differs.elementattributes.IsLateral=false >>cache.ccf")
	m.anew(1)
	m.shell(1, "ip link set dev eth0 mtu 4000")
	m.shell(2, "echo -300ms >clock")
	var remedies []string
	pg := &trapPage{said: map[string]string{}}
	lab.Eventually(m.t, 20*time.Second, func() error { // beats tell of clocks, and interfaces are looked at now and then
		r, table := m.survey(0, -1, "--json")
		var said []string
		said, remedies = bad(r, "ip link ", "chronyc ")
		for i := range said {
			said[i] = offBys.ReplaceAllString(said[i], "300ms $1")
		}
		want := []string{"mtu: eth0 of oxgw02 takes and sends packets of up to 4000 bytes (MTU), others in 224.0.0.1:6780 have 1500", "clocks: the clock of oxgw03 is 300ms behind those of 2 other hosts",
			"regions: region Differs is invalidate on oxgw02/groupware, and replicate on oxgw01/groupware, oxgw03/groupware"}
		if !slices.Equal(said, want) || !clockMatrix.MatchString(table) {
			return fmt.Errorf("the doctor says %q, want %q\n%s", said, want, table)
		}
		r.Findings = slices.DeleteFunc(r.Findings, func(f doctor.Finding) bool { return f.Severity == doctor.Ok })
		whole := table[strings.Index(table, "clocks: "):] + text(r)
		pg.said[otherwiseBlock] = beforeSum.ReplaceAllString(aboutOff.ReplaceAllString(offBys.ReplaceAllString(whole, "300ms $1"), "${1}300ms"), "")
		return nil
	})
	pg.compare(m.t)
	m.shell(1, remedies[0])
	m.shell(2, remedies[1])
	// Of the region the doctor on the host that was named has a command.
	r := m.hosts[1].look(m.bin, "")
	i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return f.Check == "regions" && len(f.Run) == 1 })
	if i < 0 {
		m.t.Fatalf("no command for the region:\n%s", text(r))
	}
	m.shell(1, r.Findings[i].Run[0])
	m.anew(1)
	lab.Eventually(m.t, 20*time.Second, func() error {
		if r, _ := m.survey(2, -1, "--json"); r.ExitCode != 0 {
			return errors.New(text(r))
		}
		return nil
	})
}

var (
	aboutOff  = regexp.MustCompile(`([+-])(29|30).ms`)
	beforeSum = regexp.MustCompile(`[^\n]*\n$`)
)

// clockMatrix is the one of three clocks of which the last is 300 ms behind.
var clockMatrix = regexp.MustCompile(`(?s)clocks: .*  1 +· +<10ms +-(29|30).ms\n  2 +<10ms +· +-(29|30).ms\n  3 +\+(29|30).ms +\+(29|30).ms +·\n`)

// narrow: the switch port of one host loses packets that are larger than 1400
// bytes. Links are up, each interface has the MTU that the others have, and the
// switch is named all the same; the remedy, run on each host as it says, mends it.
func (m *members) narrow() {
	m.t.Helper()
	m.lab.Hosts[2].SwitchMTU(1400)
	r, table := m.survey(0, 1, "--json")
	said, remedies := bad(r, "ip link ")
	want := []string{"mtu: between oxgw03 and all others packets of 1400 bytes arrive, and none of 1420 or more, which both ends take"}
	if !slices.Equal(said, want) || len(remedies) != 1 || !strings.Contains(table, "  1     ·  1500 ≤1400\n  2  1500     · ≤1400\n  3 ≤1400 ≤1400     ·\n") {
		m.t.Fatalf("the doctor says %q, remedies %q, want %q\n%s", said, remedies, want, table)
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f doctor.Finding) bool { return f.Severity == doctor.Ok })
	begin, end := strings.Index(table, "packets: "), strings.Index(table, "clocks: ")
	pg := &trapPage{said: map[string]string{narrowBlock: beforeSum.ReplaceAllString(table[begin:end]+text(r), "")}}
	pg.compare(m.t)
	for i := range m.hosts {
		m.shell(i, remedies[0])
	}
	lab.Eventually(m.t, 20*time.Second, func() error { // interfaces are looked at now and then
		r, table := m.survey(1, -1, "--json")
		if r.ExitCode != 0 || strings.Count(table, " 1400") < 6 {
			return errors.New(table + text(r))
		}
		return nil
	})
}

// cut loses all packets from one host to another, then both ways, and then
// kills one: a member that is reached over another only, and one that is not
// reached at all.
func (m *members) cut() {
	t := m.t
	m.lab.Block(m.lab.Hosts[0], m.lab.Hosts[2])
	m.missing(0)
	r, _ := m.survey(0, 2, "--json")
	said, _ := bad(r)
	for _, want := range []string{"multicast: oxgw03/groupware does not hear oxgw01/groupware by multicast; the other direction is well",
		"tcp: oxgw01/groupware can't connect to oxgw03/groupware at 10.77.0.3:57462: i/o timeout; nor the other way round"} {
		if !slices.Contains(said, want) || !strings.Contains(text(r), "only what oxgw01/groupware sends is lost between them") {
			t.Errorf("cut one way: the doctor says %q, not %q\n%s", said, want, text(r))
		}
	}
	m.lab.Partition(m.lab.Hosts[0], m.lab.Hosts[2])
	r, table := m.survey(0, 2, "--json")
	said, _ = bad(r)
	for _, want := range []string{"multicast: oxgw03/groupware does not hear oxgw01/groupware by multicast; nor the other way round",
		"tcp: oxgw03/groupware can't connect to oxgw01/groupware at 10.77.0.1:57462: i/o timeout; nor the other way round"} {
		if !slices.Contains(said, want) || !strings.Contains(table, "asked by way of oxgw02/groupware") {
			t.Errorf("cut off: the doctor says %q, not %q\n%s", said, want, table)
		}
	}
	m.procs[2].Kill()
	r, table = m.survey(1, 2, "--json")
	said, _ = bad(r)
	if len(said) == 0 || !strings.HasPrefix(said[0], "members: oxgw03/groupware could not be asked: ") || !strings.Contains(table, "not asked: ") {
		t.Errorf("killed: the doctor says %q\n%s", said, table)
	}
}

// missing waits until a link of a host is.
func (m *members) missing(host int) {
	lab.Eventually(m.t, 20*time.Second, func() error {
		out, _ := m.hosts[host].command(m.bin, "lateral mesh").CombinedOutput()
		if !strings.Contains(string(out), "missing") {
			return fmt.Errorf("the mesh is complete:\n%s", out)
		}
		return nil
	})
}
