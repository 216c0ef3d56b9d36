// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lateral/benchmarks/internal/peer"
)

// holding is memory per element at A, alone, and how soon a B that is started
// then holds all of them.
func holding(e *engine, s settings, work string) (figures, error) {
	p, err := newPair(e, work, 2048+s.Hold/1000) // a kilobyte each
	if err != nil {
		return nil, err
	}
	defer p.end()
	if err := p.startServer(); err != nil {
		return nil, err
	}
	if p.a, err = p.start("a"); err != nil {
		return nil, err
	}
	if err := p.a.Ready(); err != nil {
		return nil, err
	}
	f := figures{}
	if err := p.fillUp(s, f); err != nil {
		return nil, err
	}
	f["join"], f["lacks"] = unknown, unknown
	if !e.replicates {
		return f, nil // a node begins with what it reads
	}
	began := time.Now()
	if p.b, err = p.start("b"); err != nil {
		return nil, err
	}
	if err := p.b.Ready(); err != nil {
		return nil, err
	}
	f["join"] = never
	// Who lacks a few has mended what it noticed: others notice by and by.
	for _, quiet := range []time.Duration{2 * s.HoldQuiet, 13 * s.HoldQuiet} {
		got, err := p.b.Ask(4*ordinary, "settle bulk 1 %d %d %d 0 %d", s.Hold, quiet.Milliseconds(), 2*ordinary.Milliseconds(), s.Hold)
		if err != nil {
			return nil, err
		}
		f["lacks"] = float64(got[1] - got[0])
		if f["lacks"] == 0 {
			f["join"] = time.Since(began).Seconds()
		}
		if f["lacks"] == 0 || f["lacks"] > float64(s.Hold)/100 {
			break
		}
	}
	return f, nil
}

// fillUp takes what the process uses before and after.
func (p *pair) fillUp(s settings, f figures) error {
	use := func() (heap, resident float64, err error) {
		n, err := p.a.Ask(ordinary, "heap")
		if err != nil {
			return 0, 0, err
		}
		at := p.a
		if p.e.redis {
			at = &process{&peer.Process{Cmd: p.server}}
		}
		return float64(n[0]), float64(at.resident()), nil
	}
	heap0, rss0, err := use()
	if err != nil {
		return err
	}
	took, err := p.a.Ask(4*ordinary, "bulk %d 100", s.Hold)
	if err != nil {
		return err
	}
	heap1, rss1, err := use()
	if err != nil {
		return err
	}
	n := float64(s.Hold)
	f["load"], f["mem"], f["rss"] = n/(float64(took[0])/1e9), (heap1-heap0)/n, (rss1-rss0)/n
	return nil
}

// failing kills who holds what it has acknowledged, and counts what is gone.
func failing(e *engine, s settings, work string) (figures, error) {
	f := figures{"acks": unknown, "acked": unknown, "acklost": unknown, "ackback": unknown}
	if e.drops {
		return f, nil // the source has everything; memory is nobody's promise
	}
	p, err := newPair(e, work, 1024)
	if err != nil {
		return nil, err
	}
	p.aof = true
	if err := p.up(); err != nil {
		return nil, err
	}
	defer p.end()
	file := filepath.Join(p.dir, "acked")
	began := time.Now()
	if _, err := p.a.Ask(ordinary, "acked %s 100", file); err != nil {
		return nil, err
	}
	for giveUp := began.Add(ordinary); acknowledged(file) < 1 && time.Now().Before(giveUp); time.Sleep(time.Millisecond) {
	} // a JVM's first put takes its time
	time.Sleep(s.Failover)
	if e.redis {
		p.killServer()
	} else {
		p.a.End()
	}
	took := time.Since(began)
	n := acknowledged(file)
	if n == 0 {
		return nil, fmt.Errorf("%s had acknowledged nothing after %v", e.name, took)
	}
	killed := time.Now()
	if e.redis { // nobody else has it: it comes back
		p.a.End()
		if err := p.startServer(); err != nil {
			return nil, err
		}
	} else if err := settled(p, n); err != nil {
		return nil, err
	}
	f["ackback"] = time.Since(killed).Seconds()
	lost, err := p.b.Ask(2*ordinary, "survive %d", n)
	if err != nil {
		return nil, err
	}
	f["acks"], f["acked"], f["acklost"] = float64(n)/took.Seconds(), float64(n), float64(lost[0])
	return f, nil
}

// acknowledged is what a process that puts until it is killed has written.
func acknowledged(file string) uint64 {
	text, err := os.ReadFile(file)
	if err != nil || len(text) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(text)
}

// settled waits until B has nothing more to come: what is on its way in its own
// memory is not lost. Two counts that are equal, a while apart, say so.
func settled(p *pair, n uint64) error {
	last := int64(-1)
	for range 40 {
		lost, err := p.b.Ask(2*ordinary, "survive %d", n)
		if err != nil || lost[0] == last || lost[0] == 0 {
			return err
		}
		last = lost[0]
		time.Sleep(500 * time.Millisecond)
	}
	return nil
}

// A splitResult is what splitting tells the process that started it.
type splitResult struct {
	Figures map[string]string // as text: JSON has no infinity
	Note    string
}

// splitInside partitions an engine in the network of this process, and prints it.
func splitInside(short string) error {
	if err := loopbackUp(); err != nil {
		return err
	}
	e, out := engineOf(short), splitResult{Figures: map[string]string{}}
	f, err := splitting(e, chosen(), os.Getenv("COMPARE_WORK"))
	if err != nil {
		out.Note = err.Error()
	}
	for id, v := range f {
		out.Figures[id] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// splitting cuts A and B apart while both write to the same keys, heals it, and
// looks until they agree.
func splitting(e *engine, s settings, work string) (figures, error) {
	p, err := open(e, work, 512)
	if err != nil {
		return nil, err
	}
	defer p.end()
	if !e.drops {
		if _, err := p.a.Ask(ordinary, "bulk %d 100", s.SplitKeys); err != nil {
			return nil, err
		}
	}
	for _, x := range []*process{p.a, p.b} {
		if _, err := x.Ask(ordinary, "prime %d 100", s.SplitKeys); err != nil {
			return nil, err
		}
	}
	if err := e.cut(); err != nil {
		return nil, err
	}
	healed := false
	defer func() {
		if !healed {
			e.heal()
		}
	}()
	// Where a put drops, each writes every other key: what the other holds of these is old.
	every, from := 1, 0
	if e.drops {
		every, from = 2, 1
	}
	qa := p.a.Tell("write A %d 100 %d 100 %d 0", s.SplitKeys, s.Partition.Milliseconds(), every)
	qb := p.b.Tell("write B %d 100 %d 100 %d %d", s.SplitKeys, s.Partition.Milliseconds(), every, from)
	time.Sleep(s.Partition)
	if err := e.heal(); err != nil {
		return nil, err
	}
	healed = true
	at := time.Now()
	f := figures{"splitputs": unknown, "splitlongest": never, "spliterrors": unknown, "heal": never, "diverged": unknown, "splitlost": unknown}
	na, err := p.a.Numbers(qa, s.Heal+ordinary)
	if err != nil {
		return f, err
	}
	nb, err := p.b.Numbers(qb, s.Heal+ordinary)
	if err != nil {
		return f, err
	}
	f["splitputs"], f["spliterrors"] = float64(na[0]+nb[0])/s.Partition.Seconds(), float64(na[1]+nb[1])
	f["splitlongest"] = float64(max(na[2], nb[2])) / 1e6
	return f, p.agree(s, at, f)
}

// agree looks again and again until A and B serve the same, and nothing older
// than what was acknowledged.
func (p *pair) agree(s settings, healed time.Time, f figures) error {
	la, err := p.a.Ask(ordinary, "last")
	if err != nil {
		return err
	}
	lb, err := p.b.Ask(ordinary, "last")
	if err != nil {
		return err
	}
	for {
		va, err := p.a.Words(ordinary, "dump %d", s.SplitKeys)
		if err != nil {
			return err
		}
		vb, err := p.b.Words(ordinary, "dump %d", s.SplitKeys)
		if err != nil {
			return err
		}
		differ, old := compareDumps(va, vb, la, lb, p.e.drops)
		f["diverged"], f["splitlost"] = float64(differ), float64(old)
		if differ == 0 && old == 0 {
			f["heal"] = time.Since(healed).Seconds()
			return nil
		}
		if time.Since(healed) > s.Heal {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// compareDumps counts the keys under which the two serve different things, and
// those under which one of them serves what is older than the last put that the
// same writer was told had been done. Where puts drop, nothing is as good.
func compareDumps(va, vb []string, la, lb []int64, drops bool) (differ, old int) {
	for k := range min(len(va), len(vb), len(la), len(lb)) {
		none := va[k] == "-" || vb[k] == "-"
		if va[k] != vb[k] && !(drops && none) {
			differ++
		}
		if outdated(va[k], la[k], lb[k], drops) || outdated(vb[k], la[k], lb[k], drops) {
			old++
		}
	}
	return differ, old
}

func outdated(v string, lastA, lastB int64, drops bool) bool {
	if lastA < 0 && lastB < 0 {
		return false // nobody wrote it
	}
	if v == "-" {
		return !drops
	}
	writer, number, _ := strings.Cut(v, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil:
		return true
	case writer == "A":
		return n < lastA
	case writer == "B":
		return n < lastB
	}
	return true // from before
}
