// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Command million measures one node that holds millions of elements: memory for
// each, what the garbage collector does to gets while two goroutines read and
// one writes, and how long the node takes to leave its memory to the disk tier and to
// have it back in a new process.
//
//	go run ./benchmarks/million -elements 1000000
//	go run ./benchmarks/million                     ten million: 3 GB of memory and as much disk
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"lateral"
	"lateral/ccf"
)

const region = "Million"

var (
	elements = flag.Int("elements", 10_000_000, "elements of the region")
	size     = flag.Int("size", 100, "bytes of a value")
	watch    = flag.Duration("watch", 10*time.Second, "how long gets are timed, in each of three ways")
	dir      = flag.String("dir", "", "where the disk tier is to be; empty: a temporary directory")
	prof     = flag.String("memprofile", "", "write a profile of the full region's memory")
	parts    = flag.String("parts", "gets disk", "memory and gets; the disk tier")
	step     = flag.String("step", "", "internal: gets, fill or restart")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	switch *step {
	case "gets":
		fill(false)
		return
	case "fill":
		fill(true)
		return
	case "restart":
		restart()
		return
	}
	fmt.Println(machine())
	if *dir == "" {
		d, err := os.MkdirTemp("", "million")
		if err != nil {
			log.Fatal(err)
		}
		defer os.RemoveAll(d)
		*dir = d
	}
	for _, s := range strings.Fields(strings.ReplaceAll(*parts, "disk", "fill restart")) {
		cmd := exec.Command(os.Args[0], "-step", s, "-dir", *dir, "-elements", fmt.Sprint(*elements), "-size", fmt.Sprint(*size),
			"-watch", watch.String(), "-memprofile", *prof)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			log.Printf("%s: %v", s, err)
			return
		}
	}
}

// config is a region of this node alone, with room for all in memory and on disk.
func config(disk bool) *ccf.Config {
	auxiliary := ""
	if disk {
		auxiliary = "DC"
	}
	c, err := ccf.Parse(ccf.Source{Name: "million.ccf", Data: fmt.Appendf(nil, `jcs.default=
jcs.region.Million=%s
jcs.region.Million.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Million.cacheattributes.MaxObjects=%d
jcs.region.Million.cacheattributes.MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUMemoryCache
jcs.auxiliary.DC=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheFactory
jcs.auxiliary.DC.attributes=org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCacheAttributes
jcs.auxiliary.DC.attributes.DiskPath=%s
jcs.auxiliary.DC.attributes.MaxKeySize=%d
jcs.auxiliary.DC.attributes.MaxPurgatorySize=1000000
jcs.auxiliary.DC.attributes.MaxDiskBytes=%d
jcs.auxiliary.DC.attributes.ShutdownSpoolTimeLimit=3600
`, auxiliary, *elements+1000, *dir, 2**elements, int64(*elements)*int64(*size+200))})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func open(disk bool) (*lateral.Node, *lateral.Region[string]) {
	n, err := lateral.Open(context.Background(), lateral.Config{Service: "million", Host: "bench", CCF: config(disk),
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

// key is "key:" and eight digits or more: 12 bytes.
func key(i int) string { return fmt.Sprintf("key:%08d", i) }

func fill(disk bool) {
	before := heap()
	n, r := open(disk)
	value, began := strings.Repeat("v", *size), time.Now()
	for i := range *elements {
		if err := r.Put(context.Background(), key(i), value); err != nil {
			log.Fatal(err)
		}
	}
	took := time.Since(began)
	fmt.Printf("fill: %d elements of %d bytes in %v, %.0f per second\n", *elements, *size, took.Round(time.Millisecond), float64(*elements)/took.Seconds())
	began = time.Now()
	used := heap() - before
	mark := time.Since(began)
	each := float64(used) / float64(*elements)
	fmt.Printf("memory: %.2f GiB of heap, %.1f bytes for each element, %.1f of them beside key and value; resident %.2f GiB; two full collections took %v\n",
		float64(used)/(1<<30), each, each-float64(*size+len(key(0))), resident(), mark.Round(time.Millisecond))
	if !disk {
		profile()
		latencies(r, value)
		return // the process ends with it
	}
	began = time.Now()
	if err := n.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("end: all of it is on disk after %v, in files of %.2f GiB\n", time.Since(began).Round(time.Millisecond), float64(onDisk())/(1<<30))
}

func restart() {
	before := heap()
	began := time.Now()
	n, r := open(true)
	opened := time.Since(began)
	live := func() int {
		for _, st := range n.Status().Regions {
			if st.Region == region {
				return st.Elements
			}
		}
		return 0
	}
	have := live()
	fmt.Printf("restart: opened after %v with %d elements in memory, %.0f per second\n", opened.Round(time.Millisecond), have, float64(have)/opened.Seconds())
	found := 0
	for i := 0; i < *elements; i += max(*elements/10_000, 1) {
		if _, ok, err := r.Get(context.Background(), key(i)); err == nil && ok {
			found++
		}
	}
	fmt.Printf("restart: %d of 10,000 keys asked for are there; heap %.2f GiB, resident %.2f GiB\n", found, float64(heap()-before)/(1<<30), resident())
}

// heap is what the heap holds after what is not needed is gone.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func resident() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			var kb int64
			fmt.Sscan(v, &kb)
			return float64(kb) / (1 << 20)
		}
	}
	return 0
}

func onDisk() (n int64) {
	filepath.Walk(*dir, func(_ string, i os.FileInfo, err error) error {
		if err == nil && i.Mode().IsRegular() {
			n += i.Size()
		}
		return nil
	})
	return n
}

func profile() {
	if *prof == "" {
		return
	}
	f, err := os.Create(*prof)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := pprof.WriteHeapProfile(f); err != nil {
		log.Fatal(err)
	}
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
		load, _, _ = strings.Cut(string(b), " ")
	}
	return fmt.Sprintf("machine: %s, %d cores, %s/%s, %s, %s; load average before %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), time.Now().UTC().Format("2006-01-02"), load)
}
