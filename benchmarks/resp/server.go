// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is a process, or two of one mesh, that redis-benchmark talks to.
type server struct {
	name, socket string
	procs        []*exec.Cmd // the first is the one that is asked
}

func (s *server) stop() {
	for _, p := range s.procs {
		p.Process.Signal(syscall.SIGTERM)
		p.Wait()
	}
}

// open starts the servers, of which the first is Redis.
func open(dir string) (all []*server, err error) {
	add := func(s *server, procs ...*exec.Cmd) error {
		for _, p := range procs {
			if err := p.Start(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.procs = append(s.procs, p)
		}
		all = append(all, s)
		return s.wait()
	}
	if *only == "" || *only == "redis" {
		sock := filepath.Join(dir, "redis")
		if err := add(&server{name: "redis", socket: sock}, exec.Command("redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--appendonly", "no", "--dir", dir)); err != nil {
			return all, err
		}
	}
	if *only == "" || *only == "redis, a replica" {
		s, err := replicated(dir, add)
		if err != nil {
			return all, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, k := range []struct {
		name, region string
		nodes        int
	}{{"local", "Loc", 1}, {"replicated, alone", "Rep", 1}, {"replicated, two nodes", "Rep", 2}} {
		if *only != "" && *only != k.name {
			continue
		}
		own := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(k.name))
		s := &server{name: k.name, socket: filepath.Join(own, "0")}
		var procs []*exec.Cmd
		for i := range k.nodes {
			p, err := node(own, k.region, i)
			if err != nil {
				return all, err
			}
			procs = append(procs, p)
		}
		if err := add(s, procs...); err != nil {
			return all, err
		}
		if k.nodes > 1 {
			mesh := exec.Command(*binary, "mesh", "--wait", "20s", "--nodes", fmt.Sprint(k.nodes), "--runtime-dir", filepath.Join(own, "run"))
			if out, err := mesh.CombinedOutput(); err != nil {
				return all, fmt.Errorf("the mesh is not complete: %w\n%s", err, out)
			}
		}
	}
	return all, nil
}

// replicated is a Redis with another that has everything of it, which is asked
// for nothing: what two nodes are to be compared with.
func replicated(dir string, add func(s *server, procs ...*exec.Cmd) error) (*server, error) {
	own := filepath.Join(dir, "with-replica")
	s := &server{name: "redis, a replica", socket: filepath.Join(own, "0")}
	if err := os.MkdirAll(own, 0o700); err != nil {
		return s, err
	}
	port, err := freePort(own, 0)
	if err != nil {
		return s, err
	}
	first := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket", s.socket, "--save", "", "--appendonly", "no", "--dir", own)
	second := exec.Command("redis-server", "--port", "0", "--unixsocket", filepath.Join(own, "1"), "--save", "", "--appendonly", "no", "--dir", own, "--replicaof", "127.0.0.1 "+port)
	if err := add(s, first, second); err != nil {
		return s, err
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		info, err := s.ask("INFO", "replication")
		if strings.Contains(info, "state=online") {
			return s, nil
		}
		if time.Now().After(end) {
			return s, fmt.Errorf("the replica does not come: %v\n%s", err, info)
		}
	}
}

// node is one lateral, on loopback, that knows of one other.
func node(dir, region string, i int) (*exec.Cmd, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	port, err := freePort(dir, i)
	if err != nil {
		return nil, err
	}
	other, err := freePort(dir, 1-i)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, fmt.Sprintf("%d.ccf", i))
	text := fmt.Sprintf(`jcs.default=LTCP
jcs.region.Loc=
jcs.region.Loc.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Loc.cacheattributes.MaxObjects=3000000
jcs.region.Loc.cacheattributes.MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUMemoryCache
jcs.region.Rep=LTCP
jcs.region.Rep.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Rep.cacheattributes.MaxObjects=3000000
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerHost=127.0.0.1
jcs.auxiliary.LTCP.attributes.TcpListenerPort=%s
jcs.auxiliary.LTCP.attributes.TcpServers=127.0.0.1:%s
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=false
jcs.auxiliary.LTCP.attributes.IssueRemoveOnPut=false
`, port, other)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return exec.Command(*binary, "run", "--service", fmt.Sprintf("n%d", i), "--config", file, "--runtime-dir", filepath.Join(dir, "run"),
		"--resp", filepath.Join(dir, fmt.Sprint(i)), "--resp-map", "0="+region), nil
}

// freePort finds a port once for each node of a mesh.
func freePort(dir string, i int) (string, error) {
	file := filepath.Join(dir, fmt.Sprintf("%d.port", i))
	if b, err := os.ReadFile(file); err == nil {
		return string(b), nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return "", err
	}
	return port, os.WriteFile(file, []byte(port), 0o600)
}

// wait returns when the server answers.
func (s *server) wait() error {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := s.ask("PING")
		if strings.TrimSpace(out) == "PONG" {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s does not answer: %w", s.name, err)
		}
	}
}

// cpu is what the first n processes have used so far.
func (s *server) cpu(n int) (used time.Duration) {
	for _, p := range s.procs[:n] {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
		if err != nil {
			return 0
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if len(f) < 13 {
			return 0
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		used += time.Duration(user+system) * 10 * time.Millisecond
	}
	return used
}

func (s *server) resident() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.procs[0].Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	n, _ := strconv.Atoi(f[1])
	return n * os.Getpagesize()
}

// machine is the line that every result carries.
func machine() string {
	cpu := "?"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
				cpu = strings.TrimSpace(name)
			}
		}
	}
	redis := "no redis-server"
	if out, err := exec.Command("redis-server", "--version").Output(); err == nil {
		redis, _, _ = strings.Cut(string(out), " sha=")
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s, %s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), redis, time.Now().Format("2006-01-02"))
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}
