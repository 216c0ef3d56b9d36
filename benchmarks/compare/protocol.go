// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lateral/benchmarks/internal/peer"
)

// The questions that driver.go and java/src/peers/Driver.java both answer, one
// line each, after a first line "ready". Times that are given are in ms, times
// that are answered in ns. A key has one writing thread: the last put is known.
//
//	fill RUN THREADS KEYS SIZE MS MAX        put for MS, at most MAX       → ns, puts of each thread
//	settle RUN THREADS KEYS QUIET MAX DROPS N…  wait for the last of these puts; DROPS: none is as good → good, all, ns
//	bulk N SIZE                              put N keys, the quickest way   → ns
//	prime N SIZE                             read N keys from their source  → how many are there now
//	seed N SIZE RATE                         put old values                 → ok
//	ready N MAX                              have N of them in memory       → how many
//	paced RATE N SIZE                        put new ones                   → wall clock before and after each
//	poll N MAX DROPS                         read until they are not old    → of each: last time an old one was asked for and had, first time not (-1: never)
//	gets THREADS KEYS MS                     read random keys               → reads, ns, misses
//	heap                                     collect garbage                → bytes in use
//	write RUN KEYS RATE MS SIZE EVERY FROM   put random keys of FROM, FROM+EVERY, … → puts, errors, ns of the longest
//	last                                     what write has put             → the last of each key, -1 for none
//	dump KEYS                                what can be read               → RUN:NUMBER of each key, - for none
//	acked FILE SIZE                          put until killed, acknowledged; their number is in FILE → ok
//	survive N                                of these                       → how many cannot be read

// ordinary is how long a question may take that has no time of its own.
const ordinary = time.Minute

// A process is one of the two.
type process struct{ *peer.Process }

func launch(name string, cmd *exec.Cmd, log string) (*process, error) {
	cmd.SysProcAttr = child()
	p, err := peer.Launch(name, cmd, log)
	if err != nil {
		return nil, err
	}
	return &process{p}, nil
}

// resident is the memory of the process that is in RAM, in bytes; 0 where the
// system does not tell.
func (p *process) resident() int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Cmd.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}
