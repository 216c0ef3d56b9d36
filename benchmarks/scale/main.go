// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Command scale measures what a mesh costs as it grows: nodes of one process
// that are linked over TCP of the loopback interface and find each other by
// multicast there. Each size runs in a process of its own.
//
// The counts that do not depend on the machine, in virtual time and over a
// network in memory, are those of its test:
//
//	go run ./benchmarks/scale
//	LATERAL_SCALE="10 30 100" go test ./benchmarks/scale -run TestScale -v
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	sizes   = flag.String("nodes", "10 30 100", "sizes of the clusters")
	modes   = flag.String("modes", replicate+" "+invalidate, "how the region is coherent")
	puts    = flag.Int("puts", 2000, "puts whose cost is taken")
	rest    = flag.Duration("rest", 10*time.Second, "how long a cluster is watched at rest")
	network = flag.String("net", "tcp", "tcp: of the loopback interface; memory: in real time, without files")
	batch   = flag.Int("batch", 0, "start so many at a time, each when those before are linked; 0: all at once")
	most    = flag.Duration("most", 5*time.Minute, "how long one cluster may take")
	one     = flag.Bool("one", false, "internal: measure one cluster in this process")
)

const head = "mode        nodes   formed  links made/kept  CPU/node   at rest, of one node: CPU   frames     bytes    put, CPU per peer   all have it     join   its CPU  memory/link"

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *one {
		n, err := strconv.Atoi(*sizes)
		if err != nil {
			log.Fatal(err)
		}
		if err := measure(*modes, n); err != nil {
			log.Fatalf("%s %d: %v", *modes, n, err)
		}
		return
	}
	fmt.Println(machine())
	fmt.Println(head)
	for _, mode := range strings.Fields(*modes) {
		for _, n := range strings.Fields(*sizes) {
			cmd := exec.Command(os.Args[0], "-one", "-nodes", n, "-modes", mode, "-puts", fmt.Sprint(*puts), "-rest", rest.String(), "-most", most.String(), "-net", *network, "-batch", fmt.Sprint(*batch))
			cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
			if err := cmd.Run(); err != nil {
				log.Printf("%-10s %6s  not measured: %v", mode, n, err)
			}
		}
	}
}

// measure prints the line of one cluster.
func measure(mode string, n int) error {
	c := onLoopback(mode, fmt.Sprint("scale-", os.Getpid()))
	if *network == "memory" {
		c = inMemory(mode)
	} else if err := files(n*n + n + 1000); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), *most)
	defer cancel()
	before, cpu := memory(), used()
	formed, err := c.form(ctx, n, *batch)
	if err != nil {
		return err
	}
	forming, made := used()-cpu, float64(c.links.ever)/float64(n*(n-1))
	time.Sleep(5 * time.Second)
	perLink := float64(memory()-before) / float64(n*(n-1))
	f0, b0 := c.total()
	cpu, began := used(), time.Now()
	time.Sleep(*rest)
	resting, watched := used()-cpu, time.Since(began).Seconds()
	f1, b1 := c.total()
	all := float64(n) * watched
	putCPU, putTime, err := c.puts(ctx, *puts)
	if err != nil {
		return err
	}
	cpu, began = used(), time.Now()
	if err := c.start(ctx); err != nil {
		return err
	}
	joined, err := c.linked(ctx, began)
	if err != nil {
		return err
	}
	if err := c.nodes[n].WaitReady(ctx); err != nil {
		return err
	}
	joining := used() - cpu
	idle := resting.Seconds() / watched * joined.Seconds() // what the cluster uses anyway
	fmt.Printf("%-10s %6d %8s %16.2f %9s %26s %8.0f %9.0f %20s %13s %8s %9s %8.1f KiB\n", mode, n, ms(formed), made, ms(forming/time.Duration(n)),
		fmt.Sprintf("%.2f %%", 100*resting.Seconds()/all), (f1-f0)/all, (b1-b0)/all,
		fmt.Sprintf("%.1f µs", float64(putCPU.Nanoseconds())/1000/float64(*puts*(n-1))), ms(putTime), ms(joined),
		ms(joining-time.Duration(idle*float64(time.Second))), perLink/1024)
	return nil // the process ends with the cluster
}

func ms(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// puts writes at the first node until every other has all of it.
func (c *cluster) puts(ctx context.Context, n int) (cpu, took time.Duration, err error) {
	cpu, began := used(), time.Now()
	for i := range n {
		if err := c.put(ctx, fmt.Sprint("key", i), 100); err != nil {
			return 0, 0, err
		}
	}
	err = c.nodes[0].Barrier(ctx)
	return used() - cpu, time.Since(began), err
}

// total sums what all nodes have read.
func (c *cluster) total() (frames, bytes float64) {
	for _, n := range c.nodes {
		for _, e := range n.Status().Endpoints {
			frames += float64(e.Counters["frames_in"])
			bytes += float64(e.Counters["bytes_in"])
		}
	}
	return frames, bytes
}

// memory is what the heap and stacks take.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// files has the process hold as many open as it may, which must be so many.
func files(n int) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	if l.Cur < uint64(n) {
		return fmt.Errorf("it takes %d open files, and %d are allowed: raise ulimit -Hn, or see -net memory", n, l.Cur)
	}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

func machine() string {
	cpu, load := "?", "?"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "model name\t: "); ok {
				cpu = strings.TrimSpace(v)
			}
		}
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Join(strings.Fields(string(b))[:1], "")
	}
	return fmt.Sprintf("machine: %s, %d cores, %s/%s, %s, %s; load average before %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02"), load)
}
