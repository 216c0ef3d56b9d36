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

// compare runs the throughput with and without a cluster secret, and the time
// from the start of a node to its first link.
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
	var rate [2][]float64
	var cpu, join [2][]time.Duration
	for range rounds {
		for i, f := range []string{"", file} {
			*secrets = f
			r, c := transfer()
			rate[i], cpu[i], join[i] = append(rate[i], r), append(cpu[i], c), append(join[i], joined())
		}
	}
	*secrets = ""
	for i, name := range []string{"plain", "TLS"} {
		fmt.Printf("secret: %-5s %8.0f puts/s arrive, %v CPU per put in the writer, %v from the start of a node to its link (medians of %d)\n",
			name, median(rate[i]), median(cpu[i]), median(join[i]).Round(100*time.Microsecond), rounds)
	}
	fmt.Printf("secret: TLS has %.0f %% of the plain throughput\n", 100*median(rate[1])/median(rate[0]))
}

// joined is how long a node takes from its start to a complete mesh of two.
func joined() time.Duration {
	p := start("reader")
	defer p.end()
	began := time.Now()
	n, _ := open("writer")
	defer n.Close()
	complete(n, 2)
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
