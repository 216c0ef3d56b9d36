// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lateral/cache"
	"lateral/web"
)

// needProgram builds the program once, beside what Java nodes need.
func needProgram(t *testing.T) {
	t.Helper()
	needJava(t)
	path := filepath.Join(tools.dir, "lateral")
	tools.program.Do(func() {
		if _, err := os.Stat(path); err == nil {
			return // by whoever runs us in a namespace
		}
		if out, err := exec.Command("go", "build", "-o", path, "lateral/cmd/lateral").CombinedOutput(); err != nil {
			tools.programErr = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if tools.programErr != nil {
		t.Fatal(tools.programErr)
	}
}

// A process is lateral run.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	client *web.Client
	dir    string // of its socket
}

func run(t *testing.T, name string, n node) *process {
	t.Helper()
	dir, err := os.MkdirTemp("", "li") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	file, log := filepath.Join(dir, "cache.ccf"), filepath.Join(dir, "log")
	if err := os.WriteFile(file, []byte(n.ccf()), 0o644); err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, dir: dir, client: web.NewClient(name, filepath.Join(dir, name+".sock")),
		cmd: exec.Command(filepath.Join(tools.dir, "lateral"), "run", "--service", name, "--config", file, "--runtime-dir", dir)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	t.Cleanup(func() {
		p.kill()
		if b, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("lateral said:\n%.3000s", b)
		}
		os.RemoveAll(dir)
	})
	eventually(t, "lateral answers", func() bool { _, err := p.client.Status(context.Background()); return err == nil })
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p.client.Close()
}

func (p *process) do(c cache.Command) cache.Reply {
	p.t.Helper()
	c.Region = "alpha"
	rep, err := p.client.Do(context.Background(), c)
	if err != nil {
		p.t.Fatal(err)
	}
	return rep
}

func (p *process) puts(key string) {
	p.do(cache.Command{Op: cache.Put, Key: key, Value: cache.Value{Bytes: "v"}})
}

func (p *process) has(key string) bool {
	return p.do(cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Key: key}).Found
}

// keys counts those that begin with a prefix.
func (p *process) keys(prefix string) int {
	return len(p.do(cache.Command{Op: cache.Keys, Origin: cache.LocalOnly, Pattern: prefix + ".*"}).Keys)
}

// lateral runs the command line on this host.
func (p *process) lateral(args ...string) (out string, status int) {
	p.t.Helper()
	b, err := exec.Command(filepath.Join(tools.dir, "lateral"), append(args, "--runtime-dir", p.dir)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if exit != nil {
		status = exit.ExitCode()
	}
	return string(b), status
}

// TestKill: a process is killed beside a Java node and another Lateral node.
// Both go on; started again it has all that they put meanwhile, and Java writes
// to it.
func TestKill(t *testing.T) {
	t.Parallel() // it waits more than it works
	needProgram(t)
	if !inside(t) {
		return
	}
	each(t, func(t *testing.T, g generation) {
		group, ports := g.ports()
		first, again := discovering(g, group, ports[0]), discovering(g, group, ports[0])
		survivor, java := discovering(g, group, ports[1]), discovering(g, group, ports[2])
		if g.profile == "jcs2" { // which is not found, and dials a process that was restarted at a second port only (restartListed)
			const here = ".TcpListenerHost=127.0.0.1"
			peers := []int{ports[1], ports[2]}
			first, again = node{g: g, port: ports[0], peers: peers, more: []string{here}}, node{g: g, port: ports[3], peers: peers, more: []string{here}}
			survivor = node{g: g, port: ports[1], peers: []int{ports[0], ports[2], ports[3]}, more: []string{here}}
			java = node{g: g, port: ports[2], peers: []int{ports[0], ports[1], ports[3]}}
		}
		a, b := run(t, "first", first), openAt(t, survivor)
		j := start(t, java)
		linked(t, b, g, 1)
		reaches(t, "the process to Java", 1, a.puts, javaHas(j))
		reaches(t, "Java to the process", 2, javaPuts(j), a.has)
		reaches(t, "Java to the survivor", 3, javaPuts(j), lateralHas(t, b))
		a.puts("last")
		eventually(t, "the survivor has what was put last", func() bool { _, ok := held(t, b, "last"); return ok })

		a.kill()
		for i := range 50 {
			j.want("ok", "put alpha s:java%d s:v", i)
			put(t, b, fmt.Sprint("lateral", i), "v")
		}
		eventually(t, "the Java node goes on", func() bool { return j.get("alpha", "s:lateral49") == "s:v" })
		eventually(t, "Java to the survivor", func() bool { _, ok := held(t, b, "java49"); return ok })

		a = run(t, "again", again)
		eventually(t, "the restarted process has all", func() bool {
			return a.has("last") && a.keys("java") == 50 && a.keys("lateral") == 50
		})
		reaches(t, "the restarted process to Java", 4, a.puts, javaHas(j))
		reaches(t, "Java to the restarted process", 5, javaPuts(j), func(key string) bool { return a.has(key) })
		onlyJava(t, g, a, j)
	})
}

// onlyJava has the command line ask for what Java alone holds.
func onlyJava(t *testing.T, g generation, a *process, j *jvm) {
	t.Helper()
	j.want("ok", "put alpha %s list:a,b", "s:only%20Java")
	eventually(t, "the last put", func() bool { return a.has("only Java") })
	a.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: "only Java"})
	out, status := a.lateral("keys", "alpha", "--java", "--pattern", "only.*", "--values")
	_, nodes := g.ports()
	addr := fmt.Sprint(":", nodes[2])
	switch {
	case g.profile != "jcs13":
		if status != 0 || !strings.Contains(out, "only Java  ") || !strings.Contains(out, addr+"  ArrayList [2]") || strings.Contains(out, "again") {
			t.Errorf("status %d:\n%s", status, out)
		}
	case status != 2 || !strings.Contains(out, addr+" (jcs-1.3) could not be asked: JCS 1.3 has no question") || strings.Contains(out, "only Java"):
		t.Errorf("status %d:\n%s", status, out)
	}
}
