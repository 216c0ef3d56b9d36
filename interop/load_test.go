// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/internal/lab"
)

// puts is how many go each way. -short is for machines with less time.
func puts(t *testing.T) int {
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

const padding = 100 // bytes of each value

// TestLoad: so many puts each way, and none is lost. Java to Java is measured
// beside it, where JCS may lose some; times are reported, not judged.
func TestLoad(t *testing.T) {
	needJava(t)
	for _, g := range generations { // one after the other: they are measured
		t.Run("JCS "+g.name, func(t *testing.T) { load(t, g) })
	}
}

func load(t *testing.T, g generation) {
	n := puts(t)
	j, l := pair(t, g, ".SocketTimeOut=30000") // within which JCS 3 has to be able to write, else it drops what waits: this is no test of how busy a machine is
	began, cpu := time.Now(), ownCPU()
	j.ask("fill alpha in %d %d", n, padding)
	arrives(t, "what Java put is here", n, func() int { return l.Status().Regions[0].Elements })
	report(t, "JCS "+g.name+" → Lateral", n, time.Since(began), ownCPU()-cpu)
	pad := strings.Repeat("x", padding)
	for i := 0; i < n; i += 97 {
		if e, ok := held(t, l, fmt.Sprint("in", i)); !ok || e.Value.Bytes != pad+fmt.Sprint(i) {
			t.Fatalf("in%d: %q, %v", i, e.Value.Bytes, ok)
		}
	}
	before := size(t, j)
	began, cpu = time.Now(), ownCPU()
	for i := range n {
		put(t, l, fmt.Sprint("out", i), pad+fmt.Sprint(i))
	}
	arrives(t, "what Lateral put is there", n, func() int { return size(t, j) - before })
	report(t, "Lateral → JCS "+g.name, n, time.Since(began), ownCPU()-cpu)
	j.want(strconv.Itoa(n), "check alpha out %d %d", n, padding)
	if c := l.Status().Endpoints[0].Counters; c["jcs_gaps"]+c["jcs_untold"]+c["jcs_skipped"]+c["jcs_unapplied"] > 0 {
		t.Errorf("%v", c)
	}
	javaToJava(t, g, n)
}

// arrives waits for n to be there, for as long as there are more and more.
func arrives(t *testing.T, what string, n int, have func() int) {
	t.Helper()
	for last := 0; last < n; {
		eventually(t, fmt.Sprintf("%s: more than %d of %d", what, last, n), func() bool {
			now := have()
			more := now > last
			last = max(last, now)
			return more
		})
	}
}

func javaToJava(t *testing.T, g generation, n int) {
	t.Helper()
	a, b := lab.Port(t), lab.Port(t)
	to := start(t, node{g: g, port: b, peers: []int{a}})
	from := start(t, node{g: g, port: a, peers: []int{b}})
	reaches(t, "Java to Java", 0, javaPuts(from), javaHas(to))
	before, cpu, began := size(t, to), javaCPU(t, to), time.Now()
	from.ask("fill alpha in %d %d", n, padding)
	last, arrived := 0, time.Now()
	for time.Since(arrived) < 2*time.Second && last < n {
		if now := size(t, to) - before; now != last {
			last, arrived = now, time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	report(t, "JCS "+g.name+" → JCS "+g.name, last, arrived.Sub(began), javaCPU(t, to)-cpu)
	if last < n {
		t.Logf("of %d puts %d never arrived", n, n-last)
	}
}

func report(t *testing.T, what string, n int, took, cpu time.Duration) {
	t.Helper()
	t.Logf("%-22s %7d messages in %8v: %7.0f/s; the receiver or sender under test spent %v CPU on each",
		what, n, took.Round(time.Millisecond), float64(n)/took.Seconds(), (cpu / time.Duration(max(n, 1))).Round(100*time.Nanosecond))
}

func size(t *testing.T, j *jvm) int {
	t.Helper()
	n, err := strconv.Atoi(j.ask("size alpha"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ownCPU is what this process, in which Lateral runs, has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// javaCPU is what a Java node has used, in ticks of 10 ms.
func javaCPU(t *testing.T, j *jvm) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", j.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	u, _ := strconv.ParseInt(f[11], 10, 64)
	s, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(u+s) * 10 * time.Millisecond
}
