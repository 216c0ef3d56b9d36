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
		p.write("cache.ccf", with("LinkTimeout=1500ms", "HeartbeatInterval=300ms"))
	}
	key := filepath.Join(l.Hosts[0].Dir, "cluster.secret")
	_, err := secret.Create(key, time.Now())
	must(t, err)
	b, err := os.ReadFile(key)
	must(t, err)
	for _, p := range m.hosts[1:] {
		p.write("cluster.secret", string(b))
	}
	for _, p := range m.hosts {
		m.procs = append(m.procs, p.start(m.bin, "run", "--service", "groupware", "--config", "cache.ccf", "--runtime-dir", "run"))
	}
	m.shell(0, fmt.Sprintf("lateral mesh --wait 20s --nodes %d --runtime-dir run", n))
	return m
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
	if got != exit {
		m.t.Errorf("exit %d, want %d:\n%s", got, exit, b)
	}
	return r, out
}

// bad returns what is printed as bad, each with the line of its remedy.
func bad(r doctor.Report) (said []string, remedies []string) {
	for _, f := range r.Findings {
		if f.Severity == doctor.Ok {
			continue
		}
		said = append(said, f.Check+": "+f.Saw)
		for line := range strings.Lines(f.Do) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "iptables ") {
				remedies = append(remedies, line)
			}
		}
	}
	return said, remedies
}

var clockText = regexp.MustCompile(`differ by \S+ at most`)

// TestClusterDoctor: what is lost in one direction between two of three hosts
// is named with its direction, and the remedy, run there, mends it.
func TestClusterDoctor(t *testing.T) {
	t.Parallel()
	m := newMembers(t, 3)
	_, out := m.survey(0, 0, "")
	for _, want := range []string{
		"224.0.0.1:6780\n", "  1  oxgw01/groupware  10.77.0.1 port 57462\n",
		"  1    · eth0 eth0\n  2 eth0    · eth0\n  3 eth0 eth0    ·\n", "  1   ·  ok  ok\n  2  ok   ·  ok\n  3  ok  ok   ·\n",
		"every member hears every other in 224.0.0.1:6780", "every member can connect to every other (6 directions)", "0 failures, 0 warnings"} {
		if !strings.Contains(out, want) {
			t.Errorf("healthy: no %q in\n%s", want, out)
		}
	}
	// Two things at once: each is told of by itself.
	const multicast, tcp = "iptables -A INPUT -s 10.77.0.1 -p udp -j DROP", "iptables -A INPUT -s 10.77.0.1 -p tcp --syn --dport 57462 -j DROP"
	m.shell(1, multicast)
	m.shell(2, tcp)
	r, table := m.survey(0, 1, "--json")
	said, remedies := bad(r)
	want := []string{"multicast: oxgw02/groupware does not hear oxgw01/groupware by multicast; the other direction is well",
		"tcp: oxgw01/groupware can't connect to oxgw03/groupware at 10.77.0.3:57462: i/o timeout; the other direction is well"}
	if !slices.Equal(said, want) || len(remedies) != 2 || !strings.Contains(table, "  1    ·   NO eth0\n  2 eth0    · eth0\n") || !strings.Contains(table, "  1   ·  ok  NO\n  2  ok   ·  ok\n  3  ok  ok   ·\n") {
		t.Fatalf("the doctor says %q, remedies %q, want %q\n%s", said, remedies, want, table)
	}
	pg := &trapPage{said: map[string]string{clusterBlock: clockText.ReplaceAllString(table+text(r), "differ by 1ms at most")}}
	pg.compare(t)
	m.shell(1, remedies[0])
	m.shell(2, remedies[1])
	m.survey(2, 0, "--json")

	// A member that is reached over another only, and one that is not reached at all.
	m.lab.Partition(m.lab.Hosts[0], m.lab.Hosts[2])
	lab.Eventually(t, 20*time.Second, func() error {
		out, _ := m.hosts[0].command(m.bin, "lateral mesh --runtime-dir run").CombinedOutput()
		if !strings.Contains(string(out), "missing") {
			return fmt.Errorf("the mesh is complete:\n%s", out)
		}
		return nil
	})
	r, table = m.survey(0, 2, "--json")
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
