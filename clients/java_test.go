// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// A profile is one of java/pom.xml, and the folder with its programs.
type profile struct {
	once
	name string
	path string // of classes and jars
}

var jedis, lettuce, spring = profile{name: "jedis"}, profile{name: "lettuce"}, profile{name: "spring"}

// need fetches the jars and compiles the programs, once.
func (p *profile) need(t *testing.T) {
	t.Helper()
	const install = "install a JDK and Maven"
	tool(t, "java", "java", install)
	javac, mvn, pom := tool(t, "java", "javac", install), tool(t, "java", "mvn", install), source(t, "java/pom.xml")
	files, err := filepath.Glob("java/" + p.name + "/*.java")
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = source(t, files[i])
	}
	p.do(t, func() error {
		dir := filepath.Join(filepath.Dir(binary), p.name)
		jars := filepath.Join(dir, "jars")
		p.path = filepath.Join(dir, "classes") + ":" + jars + "/*"
		for _, cmd := range []*exec.Cmd{
			exec.Command(mvn, "-q", "-B", "-f", pom, "-P", p.name, "dependency:copy-dependencies", "-DoutputDirectory="+jars),
			exec.Command(javac, append([]string{"-proc:none", "-cp", jars + "/*", "-d", filepath.Join(dir, "classes")}, files...)...),
		} {
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
			}
		}
		return nil
	})
}

func (p *profile) command(class string, args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{"-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", p.path, class}, args...)...)
}

// javaWeb is Spring's sessions: 17 MB of jars, so only where all is asked for.
func javaWeb(t *testing.T) func(h *lab.Host) *exec.Cmd {
	if !all() {
		t.Skip("needs LATERAL_CLIENTS=all")
	}
	spring.need(t)
	inSource(t, "Sessions.java", "java/spring/Web.java")
	return func(h *lab.Host) *exec.Cmd { return spring.command("Web", h.Addr.String(), webPort) }
}

// A driver is a program that answers each line "#N …" with one that begins alike.
type driver struct {
	t  *testing.T
	in io.Writer
	p  *lab.Proc
	n  int
}

// drive starts one on a host.
func (s *site) drive(h *lab.Host, cmd *exec.Cmd) *driver {
	s.t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := h.StartCmd(cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	p.WaitLine("ready", time.Minute)
	return &driver{t: s.t, in: in, p: p}
}

func (d *driver) ask(line string) string {
	d.t.Helper()
	d.n++
	if _, err := fmt.Fprintf(d.in, "#%d %s\n", d.n, line); err != nil {
		d.t.Fatalf("%s: %v", line, err)
	}
	mark := fmt.Sprintf("#%d ", d.n)
	return strings.TrimPrefix(d.p.WaitLine(mark, time.Minute), mark)
}

func (d *driver) want(answer, line string) {
	d.t.Helper()
	if got := d.ask(line); got != answer {
		d.t.Errorf("%s: %s, want %s", line, got, answer)
	}
}

// driver is the program Driver for a database.
func (p *profile) driver(t *testing.T) func(db string) *exec.Cmd {
	p.need(t)
	return func(db string) *exec.Cmd { return p.command("Driver", db) }
}
