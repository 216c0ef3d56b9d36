// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/internal/lab"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lateral-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "lateral")
	if out, err := exec.Command("go", "build", "-o", binary, "lateral/cmd/lateral").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	flag.Parse()
	flag.Set("test.parallel", "6") // they wait more than they work
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// all reports whether what takes long is asked for.
func all() bool { return os.Getenv("LATERAL_CLIENTS") == "all" }

// A site is two hosts with a service each, as docs/sessions.md has them, and a
// third without one, from which browsers come.
type site struct {
	*lab.Lab
	t        *testing.T
	a, b     *lab.Host
	browser  *lab.Host
	services map[*lab.Host]*lab.Proc
}

// newSite starts both services and waits until they are linked. Lines are
// added to the page's ccf.
func newSite(t *testing.T, lines ...string) *site {
	t.Helper()
	l := lab.New(t, lab.Options{Hosts: 3})
	s := &site{Lab: l, t: t, a: l.Hosts[0], b: l.Hosts[1], browser: l.Hosts[2], services: map[*lab.Host]*lab.Proc{}}
	for _, h := range []*lab.Host{s.a, s.b} {
		write(t, filepath.Join(h.Dir, "sessions.ccf"), snippet(t, "sessions.ccf")+strings.Join(lines, "\n")+"\n")
		s.start(h)
	}
	s.complete()
	return s
}

// start starts the service of a host by the page's command, and with a socket
// file besides, by which a program on the other host reaches it as well.
func (s *site) start(h *lab.Host) {
	s.t.Helper()
	words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(snippet(s.t, "run")), "&"))
	if words[0] != "lateral" {
		s.t.Fatalf("docs/sessions.md runs %q", words)
	}
	s.services[h] = h.Start(binary, append(words[1:], "--runtime-dir", filepath.Join(h.Dir, "run"), "--resp", socket(h))...)
}

// complete waits until both say that nothing is missing.
func (s *site) complete() {
	s.t.Helper()
	for _, h := range []*lab.Host{s.a, s.b} {
		s.lateral(h, "mesh", "--wait", "20s", "--nodes", "2")
	}
}

// lateral runs a command of the program, which must succeed.
func (s *site) lateral(h *lab.Host, args ...string) string {
	s.t.Helper()
	return s.output(h.Command(binary, append(args, "--runtime-dir", filepath.Join(h.Dir, "run"))...))
}

func (s *site) output(cmd *exec.Cmd) string {
	s.t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// socket is the file by which any process of the machine reaches the service
// of a host: network namespaces do not part files.
func socket(h *lab.Host) string { return filepath.Join(h.Dir, "resp.sock") }

// snippet is the block of docs/sessions.md behind a mark.
func snippet(t *testing.T, mark string) string {
	t.Helper()
	doc, err := os.ReadFile("../docs/sessions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "<!-- client: "+mark+" -->\n```")
	_, rest, ok2 := strings.Cut(rest, "\n")
	text, _, ok3 := strings.Cut(rest, "```\n")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("docs/sessions.md has no block %s", mark)
	}
	return text
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tool returns the path of a program; what names it in LATERAL_REQUIRE.
func tool(t *testing.T, what, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lab.Missing(t, what, "needs "+name+": "+install)
	}
	return path
}

// source is the path of one of this room's programs. That it is read here
// tells go test that a result depends on it.
func source(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err == nil {
		_, err = os.ReadFile(abs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// once does what several tests need, and has them fail alike.
type once struct {
	sync.Once
	err error
}

func (o *once) do(t *testing.T, f func() error) {
	t.Helper()
	if o.Do(func() { o.err = f() }); o.err != nil {
		t.Fatal(o.err)
	}
}

// eventually is for what one host does and the other sees soon after.
func eventually(t *testing.T, f func() error) { t.Helper(); lab.Eventually(t, 20*time.Second, f) }
