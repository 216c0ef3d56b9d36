// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"lateral/internal/lab"
)

const installCLI = "apt-get install redis-tools"

// cli is redis-cli on a host, with what it says.
func (s *site) cli(h *lab.Host, args ...string) string {
	s.t.Helper()
	return strings.TrimSuffix(s.output(h.Command("redis-cli", args...)), "\n")
}

// until asks again on a host until it is as wanted.
func (s *site) until(h *lab.Host, want string, args ...string) {
	s.t.Helper()
	eventually(s.t, func() error {
		if got := s.cli(h, args...); got != want {
			return fmt.Errorf("%s: redis-cli %q says %q, want %q", h.Name, args, got, want)
		}
		return nil
	})
}

func (s *site) want(h *lab.Host, want string, args ...string) {
	s.t.Helper()
	if got := s.cli(h, args...); got != want {
		s.t.Errorf("%s: redis-cli %q says %q, want %q", h.Name, args, got, want)
	}
}

// redis-cli: each operation on one host, its effect on the other.
func TestRedisCLI(t *testing.T) {
	t.Parallel()
	tool(t, "redis", "redis-cli", installCLI)
	s := newSite(t)
	for _, proto := range []string{"-2", "-3"} {
		s.want(s.a, "OK", proto, "set", "k", "v", "ex", "1000") // Sessions: acknowledged by the other host
		s.want(s.b, "v", proto, "get", "k")
		s.want(s.b, "1", proto, "del", "k")
		s.want(s.a, "", proto, "get", "k")
		s.want(s.b, "2", proto, "hset", "h", "f", "1", "g", "2")
		s.want(s.a, "1\n2", proto, "hvals", "h")
		s.want(s.a, "1", proto, "hdel", "h", "f")
		s.want(s.b, "g", proto, "hkeys", "h")
		s.want(s.a, "1", proto, "incr", "n")
		s.want(s.b, "2", proto, "incr", "n")
		s.want(s.a, "OK", proto, "flushdb")
		s.want(s.b, "0", proto, "dbsize")
	}
	// Database 1 is invalidated: a value filled here is a miss there, a removal is everywhere.
	s.want(s.a, "OK", "-n", "1", "set", "7", "from the database")
	s.want(s.b, "", "-n", "1", "get", "7")
	s.want(s.b, "0", "-n", "1", "del", "7")
	s.until(s.a, "", "-n", "1", "get", "7")

	pipe := s.a.Command("redis-cli", "--pipe")
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, "SET pipe:%d %d\r\n", i, i)
	}
	pipe.Stdin = strings.NewReader(lines.String())
	if out := s.output(pipe); !strings.Contains(out, "errors: 0, replies: 1000") {
		t.Errorf("--pipe: %s", out)
	}
	if n := len(strings.Fields(s.cli(s.b, "--scan", "--pattern", "pipe:*"))); n != 1000 {
		t.Errorf("--scan on the other host finds %d keys of 1000", n)
	}
	if out := s.cli(s.b, "--bigkeys"); !strings.Contains(out, "Sampled 1000 keys") {
		t.Errorf("--bigkeys: %s", out)
	}
}

// tests are those of redis-benchmark 7.0, by the names that -t takes and those that it prints.
var benchmarks = []struct {
	t      string
	prints []string
	not    string // why it cannot run: the word of the command that is not there
}{
	{"ping_inline", []string{"PING_INLINE"}, ""},
	{"ping_mbulk", []string{"PING_MBULK"}, ""},
	{"set", []string{"SET"}, ""},
	{"get", []string{"GET"}, ""},
	{"incr", []string{"INCR"}, ""},
	{"hset", []string{"HSET"}, ""},
	{"mset", []string{"MSET (10 keys)"}, ""},
	{"lpush", nil, "LPUSH"},
	{"rpush", nil, "RPUSH"},
	{"lpop", nil, "LPOP"},
	{"rpop", nil, "RPOP"},
	{"lrange", nil, "LPUSH"},
	{"sadd", nil, "SADD"},
	{"spop", nil, "SPOP"},
	{"zadd", nil, "ZADD"},
	{"zpopmin", nil, "ZPOPMIN"},
}

// redis-benchmark: every test that it has either runs, or ends with an error
// that says which command is missing.
func TestRedisBenchmark(t *testing.T) {
	t.Parallel()
	tool(t, "redis", "redis-benchmark", installCLI)
	s := newSite(t)
	for _, b := range benchmarks {
		out, err := exec.Command("redis-benchmark", "-s", socket(s.a), "-t", b.t, "-n", "500", "-c", "10", "-P", "4", "-r", "100", "--csv").CombinedOutput()
		if b.not != "" {
			if err == nil || !strings.Contains(string(out), "unknown command '"+b.not+"'") {
				t.Errorf("-t %s: %v\n%s\nwant the error of %s", b.t, err, out, b.not)
			}
			continue
		}
		var ran []string
		for line := range strings.Lines(string(out)) {
			if name, _, ok := strings.Cut(strings.Trim(line, "\"\n"), `","`); ok && name != "test" {
				ran = append(ran, name)
			}
		}
		if err != nil || !slices.Equal(ran, b.prints) {
			t.Errorf("-t %s ran %q, want %q: %v\n%s", b.t, ran, b.prints, err, out)
		}
	}
	// A benchmark with random keys and fields has changed the other host too.
	s.until(s.b, s.cli(s.a, "dbsize"), "dbsize")
}
