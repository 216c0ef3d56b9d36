// SPDX-License-Identifier: Apache-2.0

// Command join measures what it takes to bring replicas of a large region
// together: how soon a process that joins with empty memory is ready, filled by
// two others, while one of them is written to; and how many bytes a sync of two
// replicas takes that differ in a few elements. It checks that the digests are
// equal in the end.
//
//	go run ./benchmarks/join
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
)

const region = "Bench"

var (
	elements = flag.Int("elements", 1_000_000, "elements of the region")
	size     = flag.Int("size", 100, "bytes of a value")
	peer     = flag.String("peer", "", "internal: run as the peer with this service name")
	cluster  = flag.String("cluster", fmt.Sprintf("join-%d", os.Getpid()), "internal")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *peer != "" {
		servePeer()
		return
	}
	fmt.Println(machine())
	join()
	for _, d := range []int{0, 1, 100, 2000, 100_000} {
		difference(d)
	}
}

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

// config is a replicated region; its nodes meet by multicast on loopback.
func config() *ccf.Config {
	c, err := ccf.Parse(ccf.Source{Name: "join.ccf", Data: fmt.Appendf(nil, `jcs.default=LTCP
jcs.default.cacheattributes.MaxObjects=4000000
jcs.region.Bench=LTCP
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=0
jcs.auxiliary.LTCP.attributes.TcpListenerHost=127.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=16781
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.LTCP.attributes.Interface=lo
jcs.auxiliary.LTCP.attributes.ClusterName=%s
`, *cluster)})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func open(service string) *lateral.Node {
	n, err := lateral.Open(context.Background(), lateral.Config{Service: service, Host: "bench", CCF: config(),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func put(n *lateral.Node, i int) {
	_, err := n.Do(context.Background(), cache.Command{Op: cache.Put, Region: region, Key: fmt.Sprint("key", i), Value: cache.Value{Bytes: strings.Repeat("v", *size)}})
	if err != nil {
		log.Fatal(err)
	}
}

func status(n *lateral.Node) cache.RegionStatus {
	for _, r := range n.Status().Regions {
		if r.Region == region {
			return r
		}
	}
	return cache.RegionStatus{}
}

// servePeer opens a node, says when it is ready, then answers with its digest.
func servePeer() {
	n := open(*peer)
	defer n.Close()
	if err := n.WaitReady(context.Background()); err != nil {
		log.Fatal(err)
	}
	st := status(n)
	fmt.Println(st.Elements, st.Stats.SyncIn, st.Stats.SyncBytesIn, st.Stats.SyncBytesOut)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		st := status(n)
		fmt.Println(st.Digest, st.Stats.SyncOut)
	}
}

// A process is a peer, asked by lines.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(service string) *process {
	cmd := exec.Command(os.Args[0], "-peer", service, "-cluster", *cluster)
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	return &process{cmd, in, bufio.NewScanner(out)}
}

func (p *process) line() string {
	if !p.out.Scan() {
		log.Fatal("a peer has ended: ", p.cmd.Wait())
	}
	return p.out.Text()
}

func (p *process) ask() string {
	fmt.Fprintln(p.in, "digest")
	return p.line()
}

func (p *process) end() {
	p.in.Close()
	p.cmd.Wait()
}

// join fills a second process and then, from both, a third.
func join() {
	n := open("first")
	defer n.Close()
	for i := range *elements {
		put(n, i)
	}
	second := start("second")
	defer second.end()
	second.line()
	began := time.Now()
	third := start("third")
	defer third.end()
	ready, worst, writes := make(chan string, 1), time.Duration(0), 0
	go func() { ready <- third.line() }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			at := time.Now()
			put(n, writes)
			writes++
			worst = max(worst, time.Since(at))
			continue
		case got := <-ready:
			took := time.Since(began)
			var held, in, bytesIn, bytesOut uint64
			fmt.Sscan(got, &held, &in, &bytesIn, &bytesOut)
			fmt.Printf("join: process started → ready with %d elements of %d bytes from two peers: %v; %d elements and %.0f MB in, %d bytes out; %d puts meanwhile, the slowest %v\n",
				held, *size, took.Round(time.Millisecond), in, float64(bytesIn)/1e6, bytesOut, writes, worst.Round(time.Microsecond))
		}
		break
	}
	if err := n.Barrier(context.Background()); err != nil {
		log.Fatal(err)
	}
	own := status(n)
	b, c := second.ask(), third.ask()
	fmt.Printf("join: digests equal: %v; the first gave %d elements (with the second's fill), the second %s\n",
		strings.HasPrefix(b, own.Digest) && strings.HasPrefix(c, own.Digest), own.Stats.SyncOut, b[strings.Index(b, " ")+1:])
}
