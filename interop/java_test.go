// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/internal/lab"
)

// A generation of JCS, as pom.xml names it.
type generation struct {
	profile, name, root, family string
	flags                       string // of the JVM
}

var generations = []generation{
	{"jcs13", "1.3", "org.apache.jcs", "jcs-1.3", ""},
	{"jcs2", "2.2.1", "org.apache.commons.jcs", "jcs-2", ""},
	{"jcs3", "3.2.1", "org.apache.commons.jcs3", "jcs-3", ""},
}

// each runs a test against every generation; at once, as they wait more than
// they work.
func each(t *testing.T, test func(t *testing.T, g generation)) {
	needJava(t)
	for _, g := range generations {
		t.Run("JCS "+g.name, func(t *testing.T) {
			t.Parallel()
			test(t, g)
		})
	}
}

var tools struct {
	sync.Once
	dir string
	err error

	program    sync.Once // see needProgram
	programErr error
}

// needJava skips where there is no Java, and builds the driver once.
func needJava(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Missing(t, "java", "needs "+tool+" in PATH for real Java nodes: install a JDK and Maven")
		}
	}
	tools.Do(func() { tools.err = build() })
	if tools.err != nil {
		t.Fatal(tools.err)
	}
}

func build() (err error) {
	if tools.dir = os.Getenv("LATERAL_INTEROP_INSIDE"); tools.dir != "" {
		return nil // built by whoever runs us in a namespace
	}
	if tools.dir, err = os.MkdirTemp("", "lateral-interop"); err != nil {
		return err
	}
	sources, err := filepath.Glob("java/*.java")
	if err != nil {
		return err
	}
	for _, f := range append(sources, "java/pom.xml") { // so that go test knows that a result depends on them
		if _, err := os.ReadFile(f); err != nil {
			return err
		}
	}
	cmds := []*exec.Cmd{exec.Command("javac", append([]string{"-nowarn", "-d", filepath.Join(tools.dir, "classes")}, sources...)...)}
	for _, g := range generations {
		cmds = append(cmds, exec.Command("mvn", "-q", "-B", "-f", "java/pom.xml", "-P", g.profile, "dependency:copy-dependencies",
			"-DoutputDirectory="+filepath.Join(tools.dir, g.profile)))
	}
	for _, c := range cmds {
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, out)
		}
	}
	return nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if tools.dir != "" && os.Getenv("LATERAL_INTEROP_INSIDE") == "" {
		os.RemoveAll(tools.dir)
	}
	os.Exit(code)
}

// A jvm is one Java node.
type jvm struct {
	t     *testing.T
	g     generation
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

// node is what a Java or a Lateral node is configured with.
type node struct {
	g     generation
	port  int
	peers []int    // TcpServers, on 127.0.0.1
	more  []string // further lines; attributes begin with "."
}

const lateralFactory = ".auxiliary.lateral.socket.tcp.LateralTCPCacheFactory"

// ccf is the same file for both.
func (n node) ccf() string {
	const a = "jcs.auxiliary.LTCP.attributes"
	var servers []string
	for _, p := range n.peers {
		servers = append(servers, fmt.Sprintf("127.0.0.1:%d", p))
	}
	lines := []string{
		"jcs.default=LTCP",
		"jcs.default.cacheattributes=" + n.g.root + ".engine.CompositeCacheAttributes",
		"jcs.default.cacheattributes.MaxObjects=1000000",
		"jcs.default.elementattributes=" + n.g.root + ".engine.ElementAttributes",
		"jcs.default.elementattributes.IsEternal=true",
		"jcs.default.elementattributes.IsLateral=true",
		"jcs.region.alpha=LTCP", "jcs.region.beta=LTCP",
		"jcs.auxiliary.LTCP=" + n.g.root + lateralFactory,
		a + "=" + n.g.root + ".auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes",
		a + ".TransmissionTypeName=TCP",
		fmt.Sprintf("%s.TcpListenerPort=%d", a, n.port),
		a + ".IssueRemoveOnPut=false",
		a + ".EventQueueType=SINGLE",
	}
	if len(servers) > 0 {
		lines = append(lines, a+".TcpServers="+strings.Join(servers, ","), a+".UdpDiscoveryEnabled=false")
	}
	for _, m := range n.more {
		if strings.HasPrefix(m, ".") {
			m = a + m
		}
		lines = append(lines, m)
	}
	return strings.Join(lines, "\n") + "\n"
}

// start starts a Java node and opens its regions, which makes it dial.
func start(t *testing.T, n node, wrap ...string) *jvm {
	t.Helper()
	for range 3 {
		j := launch(t, n, wrap...).open()
		if !j.deaf() {
			return j
		}
		t.Logf("JCS %s was dialled while it opened its port, and is deaf (docs/migration.md): started anew", n.g.name)
		j.kill()
	}
	t.Fatalf("JCS %s came up deaf three times", n.g.name)
	return nil
}

// deaf reports whether JCS 1.3 was dialled before it had made the threads for
// connections: its listener ends then, and nothing that is tested here is to be
// seen of it.
func (j *jvm) deaf() (is bool) {
	j.t.Helper()
	if j.g.profile != "jcs13" {
		return false
	}
	eventually(j.t, "JCS 1.3 listens, or has ended to", func() bool {
		said := j.ask("listens")
		is = said == "no"
		return said != "busy"
	})
	return is
}

// launch starts a Java node, and does not wait for it.
func launch(t *testing.T, n node, wrap ...string) *jvm {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cache.ccf"), []byte(n.ccf()), 0o644); err != nil {
		t.Fatal(err)
	}
	return launchIn(t, n.g, dir, wrap...)
}

// launchIn starts one with the cache.ccf of a directory.
func launchIn(t *testing.T, g generation, dir string, wrap ...string) *jvm {
	t.Helper()
	path := strings.Join([]string{dir, filepath.Join(tools.dir, "classes"), filepath.Join(tools.dir, g.profile, "*")}, string(os.PathListSeparator))
	args := append(append(wrap, "java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", path), strings.Fields(g.flags)...)
	args = append(args, "Driver", g.root)
	j := &jvm{t: t, g: g, cmd: exec.Command(args[0], args[1:]...), lines: make(chan string)}
	var err error
	if j.in, err = j.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	if f, err := os.Create(log); err == nil {
		j.cmd.Stderr = f
		defer f.Close()
	}
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			j.lines <- s.Text()
		}
		close(j.lines)
	}()
	t.Cleanup(func() {
		j.kill()
		if b, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("JCS %s said:\n%.3000s", g.name, b)
		}
	})
	return j
}

// open opens the regions of a Java node that was launched.
func (j *jvm) open() *jvm {
	j.t.Helper()
	if l := j.line(); l != "ready" {
		j.t.Fatalf("JCS %s: %s", j.g.name, l)
	}
	j.want("ok", "open alpha")
	j.want("ok", "open beta")
	return j
}

func (j *jvm) line() string {
	j.t.Helper()
	select {
	case l, ok := <-j.lines:
		if !ok {
			j.t.Fatalf("JCS %s has ended", j.g.name)
		}
		return l
	case <-time.After(60 * time.Second):
		j.t.Fatalf("JCS %s does not answer", j.g.name)
	}
	return ""
}

// ask sends one line and returns the answer.
func (j *jvm) ask(format string, args ...any) string {
	j.t.Helper()
	if _, err := fmt.Fprintf(j.in, format+"\n", args...); err != nil {
		j.t.Fatalf("JCS %s: %v", j.g.name, err)
	}
	return j.line()
}

func (j *jvm) want(answer, format string, args ...any) {
	j.t.Helper()
	if got := j.ask(format, args...); got != answer {
		j.t.Errorf("JCS %s: %s: %s, want %s", j.g.name, fmt.Sprintf(format, args...), got, answer)
	}
}

// get is a get without its time.
func (j *jvm) get(region, key string) string {
	j.t.Helper()
	v, _, _ := strings.Cut(j.ask("get %s %s", region, key), " ")
	return v
}

// kill is kill -9.
func (j *jvm) kill() {
	j.cmd.Process.Kill()
	j.cmd.Wait()
	j.in.Close()
}

// eventually waits until f holds, which the network decides.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute) // JCS looks after a lost peer every 20 s
	for !f() {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
