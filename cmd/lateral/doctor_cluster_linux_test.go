// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	hosts []*patient
}

func newMembers(t *testing.T, n int) *members {
	l := lab.New(t, lab.Options{Hosts: n})
	m := &members{t: t, bin: binaries(t)}
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
		p.start(m.bin, "run", "--service", "groupware", "--config", "cache.ccf", "--runtime-dir", "run")
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
	}
	if got != exit {
		m.t.Errorf("exit %d, want %d:\n%s", got, exit, b)
	}
	return r, string(b)
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

// TestClusterDoctor: what is lost in one direction between two of three hosts
// is named with its direction, and the remedy, run there, mends it.
func TestClusterDoctor(t *testing.T) {
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
	for _, c := range []struct {
		name, breaks string
		at, exit     int
		want, table  string
	}{
		{"multicast", "iptables -A INPUT -s 10.77.0.1 -p udp -j DROP", 1, 1,
			"multicast: oxgw02/groupware does not hear oxgw01/groupware by multicast; the other direction is well", "  1    ·   NO eth0\n  2 eth0    · eth0\n"},
		{"TCP", "iptables -A INPUT -s 10.77.0.1 -p tcp --syn --dport 57462 -j DROP", 2, 1,
			"tcp: oxgw01/groupware can't connect to oxgw03/groupware at 10.77.0.3:57462: i/o timeout; the other direction is well", "  1   ·  ok  NO\n  2  ok   ·  ok\n  3  ok  ok   ·\n"},
	} {
		m.shell(c.at, c.breaks)
		for asker := range []int{0, 1, 2}[:1] {
			r, _ := m.survey(asker, c.exit, "--json")
			said, remedies := bad(r)
			var b strings.Builder
			must(t, doctor.WriteTable(&b, r.Surveys))
			if len(said) != 1 || said[0] != c.want || len(remedies) != 1 || !strings.Contains(b.String(), c.table) {
				t.Errorf("%s: the doctor says %q, remedies %q, want %q\n%s", c.name, said, remedies, c.want, &b)
			}
			for _, line := range remedies {
				m.shell(c.at, line)
			}
		}
		m.survey(0, 0, "--json")
		m.shell(c.at, "iptables -F")
	}
}
