// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"lateral/internal/lab"
)

// A thing is what happens to hosts. What it does to their network Heal takes
// back; end is for the rest.
type thing struct {
	kind, name string
	begin, end func()
}

// draw draws what happens in a round: one thing, or two.
func (f *faults) draw(rnd *rand.Rand) []thing {
	p := rnd.Perm(len(f.Hosts))
	a, b, c := f.Hosts[p[0]], f.Hosts[p[1]], f.Hosts[p[2]]
	ways := []func() thing{
		func() thing { return f.partition(a, b, c) },
		func() thing { return f.partition(a, b) },
		func() thing { return f.oneWay("to", a, [2]*lab.Host{a, b}) },
		func() thing { return f.oneWay("mute", a, [2]*lab.Host{a, b}, [2]*lab.Host{a, c}) },
		func() thing { return f.oneWay("deaf", a, [2]*lab.Host{b, a}, [2]*lab.Host{c, a}) },
		func() thing { return f.lossy(a, b, 5+rnd.IntN(30)) },
		func() thing { return f.broken(a, b) },
		func() thing { return f.cable(a) },
		func() thing { return thing{kind: "flap", name: a.Name + ": eth0 down", begin: a.LinkDown} },
		func() thing { return thing{kind: "cable", name: a.Name + ": cable out", begin: a.CableOut} },
	}
	processes := []func() thing{
		func() thing { return f.killed(p[0]) },
		func() thing { return f.stopped(p[rnd.IntN(3)]) },
		f.jump,
	}
	switch rnd.IntN(3) {
	case 0:
		return []thing{ways[rnd.IntN(len(ways))]()}
	case 1:
		return []thing{processes[rnd.IntN(len(processes))]()}
	}
	return []thing{processes[rnd.IntN(len(processes))](), ways[rnd.IntN(len(ways))]()}
}

// partition cuts a host off from others, both ways.
func (f *faults) partition(a *lab.Host, from ...*lab.Host) thing {
	kind, name := "partition", a.Name+" cut off from"
	if len(from) == 1 {
		kind = "partial partition"
	}
	for _, b := range from {
		name += " " + b.Name
	}
	return thing{kind: kind, name: name, begin: func() {
		for _, b := range from {
			f.Partition(a, b)
		}
	}}
}

// oneWay drops what goes some ways.
func (f *faults) oneWay(word string, of *lab.Host, ways ...[2]*lab.Host) thing {
	name := of.Name + " is " + word
	if word == "to" {
		name = fmt.Sprintf("nothing goes from %s to %s", of.Name, ways[0][1].Name)
	}
	return thing{kind: "one way", name: name, begin: func() {
		for _, w := range ways {
			f.Block(w[0], w[1])
		}
	}}
}

func (f *faults) lossy(a, b *lab.Host, percent int) thing {
	return thing{kind: "loss", name: fmt.Sprintf("%d %% of what goes between %s and %s is lost", percent, a.Name, b.Name), begin: func() {
		f.Lose(a, b, percent)
		f.Lose(b, a, percent)
	}}
}

func (f *faults) broken(a, b *lab.Host) thing {
	return thing{kind: "reset", name: fmt.Sprintf("connections between %s and %s break", a.Name, b.Name), begin: func() {
		f.Reset(a, b)
		f.Reset(b, a)
	}}
}

// cable gives a host a bad cable.
func (f *faults) cable(a *lab.Host) thing {
	w := lab.Wire{Delay: 10 * time.Millisecond, Jitter: 20 * time.Millisecond, Lose: 1, Twice: 2}
	return thing{kind: "bad cable", name: fmt.Sprintf("%s has a cable that delays by %v, disorders, repeats %d %% and loses %d %%", a.Name, w.Delay, w.Twice, w.Lose),
		begin: func() { a.Wire(w) }}
}

// killed kills a service with signal 9, and has it start again in the end.
func (f *faults) killed(i int) thing {
	return thing{kind: "kill -9", name: "kill -9 on " + f.Hosts[i].Name, begin: func() {
		f.procs[i].Kill()
		f.load.killed(i)
	}, end: func() { f.start(i) }}
}

func (f *faults) stopped(i int) thing {
	return thing{kind: "SIGSTOP", name: "SIGSTOP on " + f.Hosts[i].Name, begin: func() { f.procs[i].Stop() },
		end: func() {
			if f.procs[i] != nil {
				f.procs[i].Cont()
			}
		}}
}

// jump has the clock of the last host jump by twice what it is off, and back.
func (f *faults) jump() thing {
	turn := func() { f.procs[len(f.procs)-1].Signal(syscall.SIGUSR1) }
	if f.off == 0 {
		return f.stopped(0)
	}
	return thing{kind: "clock", name: fmt.Sprintf("the clock of %s jumps by %v", f.Hosts[len(f.Hosts)-1].Name, 2*f.off), begin: turn, end: turn}
}
