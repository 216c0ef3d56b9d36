// SPDX-License-Identifier: Apache-2.0

// Package redistest starts real servers of the Redis protocol for tests: one, a
// Cluster, one with Sentinels. They listen on loopback and end with the test.
package redistest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// busDistance is how much higher than its port a Cluster's node takes another.
const busDistance = 10_000

// A Server is one process.
type Server struct {
	Port int
	Args []string // beyond those that all have
	Dir  string
	// Auth is what CLI proves itself with: --user NAME --pass WORD, or TLS options.
	Auth []string

	t        testing.TB
	cmd      *exec.Cmd
	sentinel bool
}

// Addr is where it listens.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// Start starts a server that keeps nothing on disk, unless args say so, and
// returns when it answers. Without redis-server the test is skipped, or fails where
// LATERAL_REQUIRE names redis.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{Port: lab.PortPair(t, busDistance), Args: args, Dir: t.TempDir(), t: t}
	s.Start()
	return s
}

// Start starts it again after Kill.
func (s *Server) Start() {
	s.t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		lab.Missing(s.t, "redis", "needs redis-server and redis-cli: apt-get install redis-server")
	}
	args := append([]string{"--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.Dir,
		"--logfile", filepath.Join(s.Dir, "log"), "--enable-debug-command", "yes"}, s.Args...)
	if s.sentinel {
		args = append([]string{filepath.Join(s.Dir, "sentinel.conf"), "--sentinel"}, s.Args...)
	}
	s.cmd = exec.Command(bin, args...)
	s.cmd.SysProcAttr = attr()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd := s.cmd
	s.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	s.Until("it answers", func() bool {
		out, err := s.cli("PING")
		return err == nil && (strings.Contains(out, "PONG") || strings.Contains(out, "NOAUTH"))
	})
}

// Kill ends it with kill -9.
func (s *Server) Kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// CLI runs redis-cli and returns what it prints.
func (s *Server) CLI(args ...string) string {
	s.t.Helper()
	out, err := s.cli(args...)
	if err != nil {
		s.t.Fatalf("redis-cli %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

// Pipe has redis-cli read commands, a line each, over one connection.
func (s *Server) Pipe(lines ...string) string {
	s.t.Helper()
	cmd := exec.Command("redis-cli", append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.Port)}, s.Auth...)...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli: %v: %s", err, out)
	}
	return string(out)
}

func (s *Server) cli(args ...string) (string, error) {
	all := append(append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.Port)}, s.Auth...), args...)
	out, err := exec.Command("redis-cli", all...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Until waits for a condition, and ends the test if it does not come.
func (s *Server) Until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			s.t.Fatalf("port %d: not within a minute: %s\n%s", s.Port, what, log)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Cluster starts a Cluster of masters with one replica each, if replicas says so, and returns its
// nodes, the masters first.
func Cluster(t testing.TB, masters int, replicas bool) (nodes []*Server) {
	t.Helper()
	n := masters
	if replicas {
		n *= 2
	}
	for range n {
		nodes = append(nodes, Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0"))
	}
	ids := make([]string, n)
	for i, s := range nodes {
		ids[i] = s.CLI("CLUSTER", "MYID")
		if i < masters {
			s.CLI("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*16384/masters), strconv.Itoa((i+1)*16384/masters-1))
		}
		s.CLI("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		nodes[0].CLI("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(s.Port))
	}
	for i, s := range nodes {
		s.Until("it knows all", func() bool { return len(strings.Split(s.CLI("CLUSTER", "NODES"), "\n")) == n })
		if i >= masters {
			s.Until("it is a replica", func() bool {
				out, _ := s.cli("CLUSTER", "REPLICATE", ids[i-masters])
				return out == "OK"
			})
		}
	}
	for i, s := range nodes {
		s.Until("the Cluster is well", func() bool {
			return strings.Contains(s.CLI("CLUSTER", "INFO"), "cluster_state:ok") && (i < masters || strings.Contains(s.CLI("INFO", "replication"), "master_link_status:up"))
		})
	}
	return nodes
}

// Sentinel starts a master, a replica and Sentinels that watch them under the name of mymaster.
// Passwords, of the servers and of the Sentinels, may be empty.
func Sentinel(t testing.TB, sentinels int, password, sentinelPassword string) (master, replica *Server, watch []*Server) {
	t.Helper()
	var auth, watchAuth, own []string
	lines := ""
	if password != "" {
		auth, own = []string{"--pass", password, "--no-auth-warning"}, []string{"--requirepass", password, "--masterauth", password}
		lines += "sentinel auth-pass mymaster " + password + "\n"
	}
	if sentinelPassword != "" {
		watchAuth = []string{"--pass", sentinelPassword, "--no-auth-warning"}
		lines += "requirepass " + sentinelPassword + "\n" // and they prove themselves to each other with it
	}
	start := func(args ...string) *Server {
		s := Start(t, append(args, own...)...)
		s.Auth = auth
		return s
	}
	master = start("--repl-diskless-sync-delay", "0")
	replica = start("--replicaof", fmt.Sprintf("127.0.0.1 %d", master.Port), "--repl-diskless-sync-delay", "0")
	replica.Until("it has the master's data", func() bool { return strings.Contains(replica.CLI("INFO", "replication"), "master_link_status:up") })
	for range sentinels {
		s := &Server{Port: lab.PortPair(t, busDistance), Dir: t.TempDir(), Auth: watchAuth, t: t, sentinel: true}
		conf := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nlogfile %s/log\nsentinel monitor mymaster 127.0.0.1 %d %d\nsentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n%s",
			s.Port, s.Dir, s.Dir, master.Port, sentinels/2+1, lines)
		if err := os.WriteFile(filepath.Join(s.Dir, "sentinel.conf"), []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Start()
		watch = append(watch, s)
	}
	for _, s := range watch {
		s.Until("it knows all", func() bool {
			out := s.CLI("SENTINEL", "MASTER", "mymaster")
			return strings.Contains(out, "num-slaves\n1\n") && strings.Contains(out, fmt.Sprintf("num-other-sentinels\n%d\n", sentinels-1))
		})
	}
	return master, replica, watch
}
