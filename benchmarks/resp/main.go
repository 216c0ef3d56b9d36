// SPDX-License-Identifier: Apache-2.0

// Command resp measures the RESP front beside a redis-server in one run, with
// redis-benchmark as the client of both: the same depths of pipelining, the
// same keys and values, in turn, so that whatever else the machine does falls
// on both. It needs redis-server and redis-benchmark.
//
//	go run ./benchmarks/resp              some minutes
//	go run ./benchmarks/resp -rounds 5 -requests 1000000
//
// Servers: redis-server without persistence, alone and with a replica; one node with a region that is
// local, or replicated without a peer; two nodes with a replicated region, of
// which one is asked. All on unix sockets. Told are medians of the rounds, and
// the best of them, which is what a machine comes to that does nothing else:
// requests per second, p99 as redis-benchmark sees it, and the CPU time per
// request, which suffers less from neighbours than rates do: of the server that
// is asked, of all that belong to it (the replica, the second node), and of these
// together with the client, beside which they have this machine's cores. At the
// end, memory: how much the resident set grew per key.
package main

import (
	"encoding/csv"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	rounds   = flag.Int("rounds", 3, "rounds, whose medians are told")
	requests = flag.Int("requests", 400_000, "requests of each test with pipelining; a quarter of that without")
	clients  = flag.Int("clients", 50, "connections")
	keys     = flag.Int("keys", 100_000, "different keys")
	size     = flag.Int("size", 100, "bytes of a value")
	loaded   = flag.Int("loaded", 1_000_000, "different keys that are asked for to measure memory")
	binary   = flag.String("lateral", "", "lateral to measure; default: built from this tree")
	only     = flag.String("only", "", "measure only this server")
	tests    = flag.String("tests", "set,get,incr", "tests of redis-benchmark")
	depths   = flag.String("depths", "1,16,64", "requests that a connection has under way at once")
)

// A measure is one test of one server.
type measure struct {
	rate, p99       float64 // per second; ms
	cpu, all, whole float64 // µs per request: of the server that is asked, of its processes, with the client's
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *binary == "" {
		*binary = filepath.Join(dir, "lateral")
		if out, err := exec.Command("go", "build", "-o", *binary, "./cmd/lateral").CombinedOutput(); err != nil {
			return fmt.Errorf("build: %v\n%s", err, out)
		}
	}
	fmt.Printf("machine: %s\nload before: %s\n", machine(), load())
	fmt.Printf("%d clients, values of %d bytes, %d keys, medians of %d rounds\n\n", *clients, *size, *keys, *rounds)
	servers, err := open(dir)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	var steps []int
	for text := range strings.SplitSeq(*depths, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-depths: %q is no depth", text)
		}
		steps = append(steps, n)
	}
	got := map[string][]measure{}
	for range *rounds {
		for _, depth := range steps {
			for _, test := range strings.Split(*tests, ",") {
				for _, s := range servers {
					m, err := s.measure(test, depth)
					if err != nil {
						return err
					}
					key := fmt.Sprint(s.name, test, depth)
					got[key] = append(got[key], m)
				}
			}
		}
		fmt.Fprintln(os.Stderr, "a round is done; load", load())
	}
	report(servers, steps, got)
	fmt.Printf("\nload after: %s\n\n", load())
	for _, s := range servers {
		if err := s.memory(); err != nil {
			return err
		}
	}
	return nil
}

func report(servers []*server, depths []int, got map[string][]measure) {
	fmt.Printf("%-6s %5s  %-22s %10s %8s %8s %8s %8s %8s %10s %8s %8s %8s\n", "test", "depth", "server", "per s", "× Redis", "best", "× Redis", "p99 ms", "best", "server µs", "× Redis", "all µs", "+client")
	for _, test := range strings.Split(*tests, ",") {
		for _, depth := range depths {
			var base, top measure
			for i, s := range servers {
				ms := got[fmt.Sprint(s.name, test, depth)]
				m := measure{median(ms, func(m measure) float64 { return m.rate }), median(ms, func(m measure) float64 { return m.p99 }),
					median(ms, func(m measure) float64 { return m.cpu }), median(ms, func(m measure) float64 { return m.all }), median(ms, func(m measure) float64 { return m.whole })}
				best := measure{rate: ms[0].rate, p99: ms[0].p99}
				for _, m := range ms {
					best.rate, best.p99 = max(best.rate, m.rate), min(best.p99, m.p99)
				}
				if i == 0 {
					base, top = m, best
				}
				fmt.Printf("%-6s %5d  %-22s %10.0f %8.2f %8.0f %8.2f %8.2f %8.2f %10.2f %8.2f %8.2f %8.2f\n", test, depth, s.name, m.rate, m.rate/base.rate,
					best.rate, best.rate/top.rate, m.p99, best.p99, m.cpu, m.cpu/base.cpu, m.all, m.whole)
			}
		}
	}
}

func median(ms []measure, of func(measure) float64) float64 {
	var v []float64
	for _, m := range ms {
		v = append(v, of(m))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// measure runs one test of redis-benchmark.
func (s *server) measure(test string, depth int) (measure, error) {
	n := *requests
	if depth == 1 {
		n /= 4
	}
	if test == "mset" || test == "hset" {
		n /= 4
	}
	before, all := s.cpu(1), s.cpu(len(s.procs))
	rows, client, err := s.benchmark("-t", test, "-n", fmt.Sprint(n), "-P", fmt.Sprint(depth), "-r", fmt.Sprint(*keys))
	if err != nil {
		return measure{}, err
	}
	used, all := s.cpu(1)-before, s.cpu(len(s.procs))-all
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	last := rows[len(rows)-1] // test, rps, avg, min, p50, p95, p99, max
	if len(last) != 8 {
		return measure{}, fmt.Errorf("redis-benchmark said %q", last)
	}
	rate, err1 := strconv.ParseFloat(last[1], 64)
	p99, err2 := strconv.ParseFloat(last[6], 64)
	if err1 != nil || err2 != nil {
		return measure{}, fmt.Errorf("redis-benchmark said %q", last)
	}
	return measure{rate, p99, per(used), per(all), per(all + client)}, nil
}

// benchmark runs redis-benchmark and returns its table and the CPU time it took.
func (s *server) benchmark(args ...string) ([][]string, time.Duration, error) {
	all := append([]string{"-s", s.socket, "-c", fmt.Sprint(*clients), "-d", fmt.Sprint(*size), "--csv"}, args...)
	cmd := exec.Command("redis-benchmark", all...)
	out, err := cmd.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("redis-benchmark %q: %w", all, err)
	}
	r := csv.NewReader(strings.NewReader(string(out)))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	return rows, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

// memory fills a server with keys and tells by how much it grew.
func (s *server) memory() error {
	if _, err := s.ask("FLUSHALL"); err != nil {
		return err
	}
	time.Sleep(time.Second) // for what is freed to go
	before := s.resident()
	if _, _, err := s.benchmark("-t", "set", "-n", fmt.Sprint(*loaded), "-P", "64", "-r", fmt.Sprint(*loaded)); err != nil {
		return err
	}
	n, err := s.ask("DBSIZE")
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(strings.TrimSpace(n))
	if err != nil || count == 0 {
		return fmt.Errorf("DBSIZE said %q", n)
	}
	fmt.Printf("%-22s %7d keys of 16 bytes with %d: %4d bytes of resident memory each\n", s.name, count, *size, (s.resident()-before)/count)
	_, err = s.ask("FLUSHALL")
	return err
}

func (s *server) ask(args ...string) (string, error) {
	out, err := exec.Command("redis-cli", append([]string{"-s", s.socket}, args...)...).Output()
	return string(out), err
}
