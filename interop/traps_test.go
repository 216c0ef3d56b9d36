// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/doctor"
	"lateral/internal/lab"
	"lateral/secret"
)

// A javaTrap is one way in which a Java node gets wrong, and what the doctor of
// its host has to say.
type javaTrap struct {
	check  string
	g      generation
	nodes  []string // lines beside those of each Java node, of which there is one for each
	setUp  string
	taken  bool // another process has the first one's port
	runs   bool // a service runs on the host
	texts  []string
	also   string // a finding from which this one follows
	remedy string // a line below "do:" that belongs into the ccf of the last node, by its beginning
}

var javaTraps = []javaTrap{
	{check: "jcs-address", g: generations[0], nodes: []string{""}, setUp: `printf '127.0.0.1 localhost\n127.0.1.1 %s\n' $(hostname) >names && mount --bind names /etc/hosts`,
		texts: []string{"announces 127.0.1.1, a loopback address", "see hostname", "start the Java process anew"}, also: "hostname"},
	{check: "jcs-listener", g: generations[0], nodes: []string{""}, taken: true, texts: []string{"port 22001 of this host, which", "the node is deaf", "start the Java process anew"}},
	{check: "jcs-regions", g: generations[2], nodes: []string{"jcs.region.gamma=LTCP", ""}, texts: []string{"1 of 3 regions are missing", "start the Java process anew"}, remedy: "jcs.region."},
	{check: "jcs-nodes", g: generations[1], nodes: []string{""}, runs: true, texts: []string{"has told service web nothing", "JCS 2 finds nobody by discovery", "start the Java process anew"}, remedy: "jcs.auxiliary."},
}

const javaPort = 22001

// javaPatient is a host with its trap and Java nodes.
type javaPatient struct {
	javaTrap
	t      *testing.T
	h      *lab.Host
	binary string
	group  int // UDP port
	dirs   []string
	java   []*jvm
	taker  *exec.Cmd
}

// trapFile is what a Lateral service of a host, or the helper's endpoint for it,
// is configured with. It is of the Java nodes' generation: in that it asks them.
func trapFile(g generation, name string, port, group int, keys string) string {
	a := "jcs.auxiliary." + name
	return strings.Join([]string{a + "=" + g.root + lateralFactory, a + ".attributes=" + g.root + ".auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes",
		fmt.Sprintf("%s.attributes.TcpListenerPort=%d", a, port), a + ".attributes.UdpDiscoveryAddr=224.0.0.1", fmt.Sprintf("%s.attributes.UdpDiscoveryPort=%d", a, group),
		a + ".attributes.UdpDiscoveryEnabled=true", a + ".attributes.AllowUnauthenticatedJCS=true", a + ".attributes.ClusterSecretFile=" + keys, ""}, "\n")
}

// TestJavaTraps breaks one host for each trap of real Java nodes and has the
// doctor name the cause; its remedy, carried out as it was printed, and the node
// started anew as it says, make the next run green.
func TestJavaTraps(t *testing.T) {
	needJava(t)
	t.Parallel()
	l := lab.New(t, lab.Options{Hosts: 1 + len(javaTraps)})
	binary := filepath.Join(t.TempDir(), "lateral")
	if out, err := exec.Command("go", "build", "-o", binary, "lateral/cmd/lateral").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	helper := l.Hosts[0]
	keys := filepath.Join(helper.Dir, "cluster.secret")
	if _, err := secret.Create(keys, time.Now()); err != nil {
		t.Fatal(err)
	}
	text, names := "", []string{}
	for i, x := range javaTraps {
		names = append(names, string(rune('A'+i)))
		text += trapFile(x.g, names[i], 57462+i, 6780+i, keys)
	}
	file := filepath.Join(helper.Dir, "cache.ccf")
	write(t, file, "jcs.default="+strings.Join(names, ",")+"\n"+text)
	helper.Run("ip", "route", "replace", "224.0.0.0/8", "dev", "eth0")
	helper.Start(binary, "run", "--service", "helper", "--config", file, "--runtime-dir", helper.Dir+"/run").WaitLine("msg=started", 20*time.Second)
	for i, x := range javaTraps {
		t.Run(x.check, func(t *testing.T) {
			t.Parallel()
			p := &javaPatient{javaTrap: x, t: t, h: l.Hosts[1+i], binary: binary, group: 6780 + i}
			write(t, filepath.Join(p.h.Dir, "cache.ccf"), "jcs.default=LTCP\njcs.region.alpha=LTCP\n"+trapFile(x.g, "LTCP", 57462, p.group, keys))
			p.treat()
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *javaPatient) treat() {
	p.h.Run("sh", "-c", "mount -t tmpfs none /run; "+p.setUp)
	if p.taken {
		p.taker = p.take()
	}
	for i, line := range p.nodes {
		dir := p.t.TempDir()
		n := node{g: p.g, port: javaPort + i, more: []string{line, ".UdpDiscoveryEnabled=true", ".UdpDiscoveryAddr=224.0.0.1", fmt.Sprint(".UdpDiscoveryPort=", p.group)}}
		write(p.t, filepath.Join(dir, "cache.ccf"), n.ccf())
		p.dirs = append(p.dirs, dir)
		p.java = append(p.java, launchIn(p.t, p.g, dir, wrap(p.h)...))
	}
	for _, j := range p.java {
		j.open()
	}
	if p.runs {
		p.h.Start(p.binary, "run", "--service", "web", "--config", "cache.ccf", "--runtime-dir", p.h.Dir+"/run").WaitLine("msg=started", 20*time.Second)
	}
	var run, lines []string
	p.until("the cause is named", func(r doctor.Report) (ok bool) {
		run, lines, ok = p.named(r)
		return ok
	})
	last := len(p.java) - 1
	for _, l := range lines {
		file := filepath.Join(p.dirs[last], "cache.ccf")
		b, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		write(p.t, file, string(b)+strings.ReplaceAll(l, "AUX", "LTCP")+"\n") // whose node it is people know
	}
	for _, c := range run {
		p.h.Run("sh", "-c", c)
	}
	if p.taker != nil {
		p.taker.Wait()
	}
	p.java[last].kill()
	p.java[last] = launchIn(p.t, p.g, p.dirs[last], wrap(p.h)...).open()
	p.java[last].want("ok", "put alpha s:key s:value")
	p.until("all is well", func(r doctor.Report) bool { return r.ExitCode == 0 && slices.ContainsFunc(r.Findings, p.isNode) })
}

// isNode: a Java node is heard, or it would be well that there is none.
func (*javaPatient) isNode(f doctor.Finding) bool { return f.Check == "jcs-nodes" }

// take has another process hold the first node's port.
func (p *javaPatient) take() *exec.Cmd {
	cmd := p.h.Command("sleep", "300")
	p.h.Do(func() {
		ln, err := net.Listen("tcp4", fmt.Sprint(":", javaPort))
		if err != nil {
			p.t.Fatal(err)
		}
		f, err := ln.(*net.TCPListener).File()
		if err != nil {
			p.t.Fatal(err)
		}
		cmd.ExtraFiles = []*os.File{f}
		err = cmd.Start()
		f.Close()
		ln.Close()
		if err != nil {
			p.t.Fatal(err)
		}
	})
	p.t.Cleanup(func() { cmd.Process.Kill() })
	return cmd
}

// until runs the doctor until what it says is right. It goes on for two minutes: a
// Java node announces itself as it likes.
func (p *javaPatient) until(what string, right func(r doctor.Report) bool) {
	p.t.Helper()
	var out []byte
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		args := []string{"doctor", "--json", "--runtime-dir", p.h.Dir + "/run"}
		if !p.runs {
			args = append(args, "--config", "cache.ccf")
		}
		out, _ = p.h.Command(p.binary, args...).Output() // its status is that of the worst finding
		var r doctor.Report
		if err := json.Unmarshal(out, &r); err != nil {
			p.t.Fatalf("%v\n%s", err, out)
		}
		if right(r) {
			return
		}
	}
	p.t.Fatalf("not within two minutes: %s\n%s", what, out)
}

// named returns the remedy of the trap, if nothing but its cause is said.
func (p *javaPatient) named(r doctor.Report) (run, lines []string, found bool) {
	for _, f := range r.Findings {
		whole := strings.Join(append([]string{f.Saw, f.Why, f.Do}, f.Details...), "\n")
		switch {
		case f.Severity == doctor.Ok || f.Because != "":
			continue
		case f.Check == p.also:
			run = append(run, f.Run...)
			continue
		case f.Check != p.check || slices.ContainsFunc(p.texts, func(text string) bool { return !strings.Contains(whole, text) }):
			return nil, nil, false
		}
		found = true
		run = append(run, f.Run...)
		for line := range strings.Lines(f.Do) {
			if line = strings.TrimSpace(line); p.remedy != "" && strings.HasPrefix(line, p.remedy) {
				lines = append(lines, line)
			}
		}
	}
	return run, lines, found && len(run)+len(lines) > 0
}
