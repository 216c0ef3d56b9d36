// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Command e2e measures two processes of a cluster end to end, on loopback: how
// many puts per second arrive, how soon a put is visible at the peer, what the
// writer pays with 0 to 50 peers, and how soon replication resumes after the
// peer was killed. It checks that nothing is lost, and prints one machine line.
//
//	go run ./benchmarks/e2e            all of it, about a minute
//	go run ./benchmarks/e2e throughput
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
)

const region = "Bench"

var (
	puts    = flag.Int("puts", 3_000_000, "puts of the throughput run")
	keys    = flag.Int("keys", 100_000, "different keys of the throughput run")
	size    = flag.Int("size", 100, "bytes of a value")
	rate    = flag.Int("rate", 500, "puts per second of the latency run")
	samples = flag.Int("samples", 5000, "puts of the latency run")
	prof    = flag.String("cpuprofile", "", "write a profile of the writer's throughput run")
	pprofs  = flag.String("peerprofile", "", "write a profile of the peer's throughput run")
	peer    = flag.String("peer", "", "internal: run as the peer with this service name")
	secrets = flag.String("secret", "", "file of lateral keygen: links are TLS")
	cluster = flag.String("cluster", fmt.Sprintf("bench-%d", os.Getpid()), "internal")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *peer != "" {
		servePeer()
		return
	}
	fmt.Println(machine())
	runs := []struct {
		name string
		run  func()
	}{{"throughput", throughput}, {"latency", latency}, {"fanout", fanout}, {"restart", restart}, {"stopped", stopped}, {"secret", compare}}
	for _, r := range runs {
		if flag.NArg() == 0 || slices.Contains(flag.Args(), r.name) {
			r.run()
		}
	}
}

// machine is the line that every result carries.
func machine() string {
	cpu := "?"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "model name\t: "); ok {
				cpu = strings.TrimSpace(v)
			}
		}
	}
	return fmt.Sprintf("machine: %s, %d cores, %s/%s, %s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02"))
}

// config is a replicated region on loopback multicast.
func config() *ccf.Config {
	text := fmt.Sprintf(`jcs.default=LTCP
jcs.default.cacheattributes.MaxObjects=2000000
jcs.region.Bench=LTCP
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=0
jcs.auxiliary.LTCP.attributes.TcpListenerHost=127.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=16780
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.LTCP.attributes.Interface=lo
jcs.auxiliary.LTCP.attributes.LinkTimeout=30s
jcs.auxiliary.LTCP.attributes.ClusterName=%s
`, *cluster)
	if *secrets != "" {
		text += "jcs.auxiliary.LTCP.attributes.ClusterSecretFile=" + *secrets + "\n"
	}
	c, err := ccf.Parse(ccf.Source{Name: "bench.ccf", Data: []byte(text)})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func open(service string) (*lateral.Node, *lateral.Region[string]) {
	n, err := lateral.Open(context.Background(), lateral.Config{Service: service, Host: "bench", CCF: config(),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		log.Fatal(err)
	}
	r, err := lateral.In(n, region, lateral.Text)
	if err != nil {
		log.Fatal(err)
	}
	return n, r
}

// A process is a peer in a process of its own, asked by lines.
type process struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Scanner
}

func start(service string) *process {
	cmd := exec.Command(os.Args[0], "-peer", service, "-cluster", *cluster, "-secret", *secrets, "-peerprofile", *pprofs)
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	return &process{cmd, in, bufio.NewScanner(out)}
}

func (p *process) ask(question string) string {
	fmt.Fprintln(p.in, question)
	if !p.out.Scan() {
		log.Fatalf("the peer gave no answer to %q", question)
	}
	return p.out.Text()
}

// cpu is what the process has used so far.
func (p *process) cpu() time.Duration {
	d, err := time.ParseDuration(p.ask("cpu"))
	if err != nil {
		log.Fatal(err)
	}
	return d
}

func (p *process) end() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// servePeer answers questions on stdin until it is closed.
func servePeer() {
	n, r := open(*peer)
	defer n.Close()
	if *pprofs != "" {
		profile(*pprofs)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "cpu":
			fmt.Println(cpuTime())
		case "digest":
			pprof.StopCPUProfile()
			st := n.Status()
			for _, s := range st.Regions {
				if s.Region == region {
					fmt.Println(s.Digest, s.Elements)
				}
			}
		case "has":
			for {
				if _, ok, _ := r.Get(context.Background(), rest); ok {
					break
				}
				time.Sleep(time.Millisecond)
			}
			fmt.Println("yes")
		}
	}
}

func complete(n *lateral.Node, nodes int) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := n.WaitComplete(ctx, nodes); err != nil {
		log.Fatal(err)
	}
	return time.Since(began)
}

// settle waits until every peer has acknowledged everything.
func settle(n *lateral.Node) {
	if err := n.Barrier(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func profile(path string) {
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		log.Fatal(err)
	}
}

func throughput() { transfer() }

// transfer returns how many puts arrived per second, and the CPU time of one
// in the writer and in the peer.
func transfer() (rate float64, writer, peer time.Duration) {
	n, r := open("writer")
	defer n.Close()
	p := start("reader")
	defer p.end()
	complete(n, 2)
	names := make([]string, *keys)
	for i := range names {
		names[i] = fmt.Sprintf("user:%08d", i)
	}
	value := strings.Repeat("x", *size)
	ctx := context.Background()
	if *prof != "" {
		profile(*prof)
		defer pprof.StopCPUProfile()
	}
	used, theirUsed := cpuTime(), p.cpu()
	began := time.Now()
	for i := range *puts {
		if err := r.Put(ctx, names[i%len(names)], value); err != nil {
			log.Fatal(err)
		}
	}
	wrote := time.Since(began)
	settle(n)
	arrived := time.Since(began)
	used, theirUsed = cpuTime()-used, p.cpu()-theirUsed
	own := ""
	for _, s := range n.Status().Regions {
		if s.Region == region {
			own = fmt.Sprint(s.Digest, " ", s.Elements)
		}
	}
	verdict := "digests equal, none lost"
	if theirs := p.ask("digest"); theirs != own {
		verdict = fmt.Sprintf("DIFFERENT: %s here, %s there", own, theirs)
	}
	c := n.Status().Endpoints[0].Counters
	fmt.Printf("throughput: %d puts of %d bytes over %d keys: written at %.0f/s, applied and acknowledged at %.0f/s; %s; fallen cursors %d, syncs %d\n",
		*puts, *size, *keys, float64(*puts)/wrote.Seconds(), float64(*puts)/arrived.Seconds(), verdict, c["fallen_cursors"], c["syncs"])
	return float64(*puts) / arrived.Seconds(), used / time.Duration(*puts), theirUsed / time.Duration(*puts)
}

func latency() { respond(*samples) }

// respond is from the put to the peer's acknowledgement that it was applied:
// visible there, and the answer is back. A peer that spins to see it sooner
// would take one of the two cores.
func respond(samples int) (p50, p99 time.Duration) {
	n, r := open("writer")
	defer n.Close()
	p := start("reader")
	defer p.end()
	complete(n, 2)
	ctx := context.Background()
	value := strings.Repeat("x", *size)
	ds := make([]time.Duration, 0, samples)
	next := time.Now()
	for i := range samples {
		next = next.Add(time.Second / time.Duration(*rate))
		time.Sleep(time.Until(next))
		began := time.Now()
		r.Put(ctx, fmt.Sprintf("lat%d", i), value)
		if err := n.Barrier(ctx); err != nil {
			log.Fatal(err)
		}
		ds = append(ds, time.Since(began))
	}
	slices.Sort(ds)
	p50, p99 = ds[len(ds)/2].Round(time.Microsecond), ds[len(ds)*99/100].Round(time.Microsecond)
	fmt.Printf("latency: %d puts at %d/s, put → visible at the peer and acknowledged: p50 %v, p99 %v, max %v\n", len(ds), *rate, p50, p99, ds[len(ds)-1].Round(time.Microsecond))
	return p50, p99
}

// fanout is the writer's cost per put with more and more links.
func fanout() {
	for _, peers := range []int{0, 1, 10, 50} {
		n, r := open("writer")
		var conns []net.Conn
		for i := range peers {
			conns = append(conns, link(n.Status().Endpoints[0].Listen, i))
		}
		for peers > 0 && len(n.Status().Endpoints[0].Links) < peers {
			time.Sleep(time.Millisecond)
		}
		const rounds = 500_000
		value := strings.Repeat("x", *size)
		keys := make([]string, 10_000)
		for i := range keys {
			keys[i] = fmt.Sprintf("user:%08d", i)
			r.Put(context.Background(), keys[i], value)
		}
		began := time.Now()
		for i := range rounds {
			r.Put(context.Background(), keys[i%len(keys)], value)
		}
		took := time.Since(began)
		st := n.Status().Endpoints[0]
		fmt.Printf("fanout: %2d peers: %.0f ns per put of the writer; %d links up, log %d of %d MB\n", peers,
			float64(took.Nanoseconds())/rounds, len(st.Links), st.Log.Bytes>>20, st.Log.Limit>>20)
		for _, c := range conns {
			c.Close()
		}
		n.Close()
	}
}

// restart kills the peer, goes on writing, and starts it again.
func restart() {
	n, r := open("writer")
	defer n.Close()
	p := start("reader")
	complete(n, 2)
	ctx := context.Background()
	for i := range 10_000 {
		r.Put(ctx, fmt.Sprintf("before%d", i), "v")
	}
	p.end()
	for i := range 10_000 {
		r.Put(ctx, fmt.Sprintf("while%d", i), "v")
	}
	began := time.Now()
	p = start("reader")
	defer p.end()
	p.ask("has while9999")
	took := time.Since(began)
	settle(n)
	r.Put(ctx, "last", "v")
	p.ask("has last")
	own := n.Status().Regions
	i := slices.IndexFunc(own, func(s cache.RegionStatus) bool { return s.Region == region })
	theirs := p.ask("digest")
	fmt.Printf("restart: start of the new process → holds the %d elements written before and while it was away: %v (equal: %v)\n",
		own[i].Elements, took.Round(time.Millisecond), theirs == fmt.Sprint(own[i].Digest, " ", own[i].Elements))
}

// stopped is a peer that reads nothing: the writer and the other peer go on.
func stopped() {
	n, r := open("writer")
	defer n.Close()
	slow, fast := start("slow"), start("fast")
	defer slow.end()
	defer fast.end()
	complete(n, 3)
	run := func() (perSecond float64) {
		value := strings.Repeat("x", *size)
		began := time.Now()
		const rounds = 1_000_000
		for i := range rounds {
			r.Put(context.Background(), fmt.Sprintf("user:%06d", i%100_000), value)
		}
		return rounds / time.Since(began).Seconds()
	}
	both := run()
	settle(n)
	suspend(slow.cmd.Process.Pid)
	one := run()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	st := n.Status().Endpoints[0]
	r.Put(context.Background(), "after", "v")
	fast.ask("has after")
	fmt.Printf("stopped: %.0f puts/s with both peers reading, %.0f with one of them stopped; heap %d MB, log %d of %d MB; the other peer has everything\n",
		both, one, m.HeapAlloc>>20, st.Log.Bytes>>20, st.Log.Limit>>20)
	resume(slow.cmd.Process.Pid)
}
