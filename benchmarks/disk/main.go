// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

var (
	elements = flag.Int("elements", 1_000_000, "elements")
	size     = flag.Int("size", 100, "bytes of a value")
	perBatch = flag.Int("batch", 1000, "elements of a batch")
	kinds    = flag.String("stores", "bbolt,pebble", "which")
	flips    = flag.Int("flips", 40, "trials with changed bytes")
	kills    = flag.Int("kills", 5, "trials with kill -9")
	guard    = flag.Bool("guard", false, "internal: recover from panics and faults")
	child    = flag.String("child", "", "internal: write or judge")
	dirFlag  = flag.String("dir", "", "internal, and where to work")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	switch *child {
	case "write":
		writer(*kinds, *dirFlag)
		return
	case "judge":
		judge(*kinds, *dirFlag)
		return
	}
	fmt.Printf("machine: %s, %d cores, %s/%s, %s, %s; load average %s\n", cpu(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly), load())
	fmt.Printf("%d elements of %d bytes, batches of %d, not synced to the medium unless said\n", *elements, *size, *perBatch)
	for _, kind := range strings.Split(*kinds, ",") {
		dir, err := os.MkdirTemp(*dirFlag, "lateral-disk")
		must(err)
		workload(kind, filepath.Join(dir, "db"))
		killed(kind, dir)
		flipped(kind, dir)
		must(os.RemoveAll(dir))
	}
}

// key is spread over the key space, as hashes and names are.
func key(i int) []byte {
	h := rand.New(rand.NewPCG(uint64(i), 7)).Uint64()
	return fmt.Appendf(nil, "%016x:%08d", h, i)
}

// value carries a checksum, as records of the disk tier do.
func value(i, version int) []byte {
	b := make([]byte, 12+*size)
	binary.LittleEndian.PutUint64(b[4:], uint64(i)<<8|uint64(version))
	for j := 12; j < len(b); j += 8 { // half of it compresses
		binary.LittleEndian.PutUint32(b[j:min(j+8, len(b))], uint32(i*j))
		if j+16 > len(b) {
			break
		}
	}
	binary.LittleEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return b
}

// sound reports whether a value is that of the key.
func sound(i int, b []byte) bool {
	return len(b) > 12 && crc32.ChecksumIEEE(b[4:]) == binary.LittleEndian.Uint32(b) && int(binary.LittleEndian.Uint64(b[4:])>>8) == i
}

func workload(kind, dir string) {
	s, err := open(kind, dir, false)
	must(err)
	say := func(what string, n int, f func()) {
		began := time.Now()
		f()
		d := time.Since(began)
		fmt.Printf("%-7s %-34s %9.0f/s  (%s)\n", kind, what, float64(n)/d.Seconds(), d.Round(time.Millisecond))
	}
	write := func(from, n, version int) {
		for at := from; at < from+n; at += *perBatch {
			var b []pair
			for i := at; i < min(at+*perBatch, from+n); i++ {
				b = append(b, pair{key(i), value(i, version)})
			}
			must(s.write(b))
		}
	}
	n := *elements
	say("spill, in batches", n, func() { write(0, n, 1) })
	gets(kind, s, n)
	say("overwrite a tenth", n/10, func() { write(n/3, n/10, 2) })
	say("remove a tenth", n/10, func() {
		for at := n / 2; at < n/2+n/10; at += *perBatch {
			var b []pair
			for i := at; i < at+*perBatch; i++ {
				b = append(b, pair{key(i), nil})
			}
			must(s.write(b))
		}
	})
	must(s.close())
	fmt.Printf("%-7s space %d MB for %d MB of keys and values\n", kind, du(dir)>>20, (n*9/10*(25+12+*size))>>20)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	say("open", 1, func() { s, err = open(kind, dir, false); must(err) })
	count := 0
	say("scan of all", n*9/10, func() { must(s.scan(func(k, v []byte) { count++ })) })
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Printf("%-7s %d elements found; heap %+d KB, resident %d MB (the page cache's mappings among it)\n", kind, count, (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>10, resident()>>20)
	must(s.close())
	s, err = open(kind, dir, true)
	must(err)
	say("100 batches of 100, each synced", 10_000, func() {
		for at := range 100 {
			var b []pair
			for i := range 100 {
				b = append(b, pair{key(at*100 + i), value(at*100+i, 3)})
			}
			must(s.write(b))
		}
	})
	must(s.close())
}

func gets(kind string, s store, n int) {
	const many = 100_000
	times := make([]time.Duration, many)
	r := rand.New(rand.NewPCG(1, 2))
	for j := range times {
		i := r.IntN(n)
		k := key(i)
		began := time.Now()
		v, err := s.get(k)
		times[j] = time.Since(began)
		must(err)
		if !sound(i, v) {
			log.Fatalf("%s: wrong value", kind)
		}
	}
	slices.Sort(times)
	fmt.Printf("%-7s get, random, one after the other     p50 %s  p99 %s\n", kind, times[many/2], times[many*99/100])
}

func du(dir string) (n int64) {
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if i, e := d.Info(); e == nil && !d.IsDir() {
			n += i.Size()
		}
		return nil
	})
	return n
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "model name\t: "); ok {
			return strings.TrimSpace(v)
		}
	}
	return "?"
}

func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(b))[:1], " ")
}

func resident() (n int64) {
	b, _ := os.ReadFile("/proc/self/statm")
	var size int64
	fmt.Sscan(string(b), &size, &n)
	return n * int64(os.Getpagesize())
}
