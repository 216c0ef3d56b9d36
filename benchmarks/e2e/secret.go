// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"lateral/secret"
)

// rounds of compare: odd, for a median; plain and TLS take turns, as the
// machine may be busier at one time than at another.
const rounds = 5

// A cost is what one round has measured.
type cost struct {
	rate                   float64
	writer, peer           time.Duration // CPU of a put
	p50, p99, first, whole time.Duration
}

// compare runs everything that a cluster secret may cost, with one and without.
func compare() {
	dir, err := os.MkdirTemp("", "lateral-e2e-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "cluster.secret")
	if _, err := secret.Create(file, time.Now()); err != nil {
		log.Fatal(err)
	}
	var all [2][]cost
	for range rounds {
		for i, f := range []string{"", file} {
			*secrets = f
			var c cost
			c.rate, c.writer, c.peer = transfer()
			c.p50, c.p99 = respond(*samples / rounds)
			c.first, c.whole = joined(2), joined(5)
			all[i] = append(all[i], c)
		}
	}
	*secrets = ""
	plain, safe := all[0], all[1]
	fmt.Printf("secret: medians of %d rounds in turn, puts of %d bytes\n%-66s %12s %12s\n", rounds, *size, "", "plain", "TLS 1.3")
	row := func(name string, of func(cost) time.Duration, to time.Duration) {
		fmt.Printf("secret: %-58s %12v %12v\n", name, middle(plain, of).Round(to), middle(safe, of).Round(to))
	}
	r := [2]float64{middle(plain, func(c cost) float64 { return c.rate }), middle(safe, func(c cost) float64 { return c.rate })}
	fmt.Printf("secret: %-58s %12.0f %12.0f  (%.0f %%)\n", "puts that arrive per second", r[0], r[1], 100*r[1]/r[0])
	row("CPU of a put, writer", func(c cost) time.Duration { return c.writer }, 1)
	row("CPU of a put, peer", func(c cost) time.Duration { return c.peer }, 1)
	row("put → applied and acknowledged, p50", func(c cost) time.Duration { return c.p50 }, time.Microsecond)
	row("put → applied and acknowledged, p99", func(c cost) time.Duration { return c.p99 }, time.Microsecond)
	row("start of 2 processes → mesh complete", func(c cost) time.Duration { return c.first }, time.Millisecond)
	row("start of 5 processes → mesh complete", func(c cost) time.Duration { return c.whole }, time.Millisecond)
}

// middle is the median of one measure.
func middle[T float64 | time.Duration](all []cost, of func(cost) T) T {
	var l []T
	for _, c := range all {
		l = append(l, of(c))
	}
	return median(l)
}

// joined is how long it takes from the start of n processes, of which this is
// one, to their complete mesh.
func joined(n int) time.Duration {
	began := time.Now()
	for i := range n - 1 {
		defer start(fmt.Sprint("reader", i)).end()
	}
	node, _ := open("writer")
	defer node.Close()
	complete(node, n)
	return time.Since(began)
}

func median[T float64 | time.Duration](l []T) T {
	slices.Sort(l)
	return l[len(l)/2]
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
