// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A walk is a cluster with disks on which anything happens, and what should be there: of
// each region and key the value that was written last, "" if that was a removal.
type walk struct {
	*cluster
	rnd    *rand.Rand
	dir    string
	value  map[string]string    // by "region key"; of Told those that were put since the last removal
	lost   map[string]string    // what was there when all had stopped, and is not now: its last holder may bring it
	dies   map[string]time.Time // of what lives for a short time only
	alone  bool                 // all had stopped
	met    map[string]bool      // who has run since
	apart  string               // who is cut off
	calm   time.Duration
	step   int
	story  []string
	killed map[string]bool // and not back
}

var walkRegions = []string{"BothAll", "Both", "Told"}

const walkNodes, walkKeys = 3, 25

func (w *walk) tell(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

func (w *walk) alive() (list []string) {
	for name := range w.nodes {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// settle waits until the mesh is complete and everything has travelled and is on disk.
func (w *walk) settle() {
	if len(w.killed) == 0 { // they are missed for long
		w.within(10*time.Second, len(w.nodes))
	}
	time.Sleep(2*time.Second + w.calm)
	w.calm = 0
	for _, n := range w.alive() {
		w.written(n, walkRegions...)
	}
}

// write changes one key on one node.
func (w *walk) write() {
	w.step++
	region, i := walkRegions[w.rnd.IntN(len(walkRegions))], w.rnd.IntN(walkKeys)
	key := fmt.Sprintf("k%02d", i)
	alive := w.alive()
	n := alive[w.rnd.IntN(len(alive))]
	// Of two writers who do not know of each other the later may have lived for too short a time to be heard of; one of
	// them may be who has the disk of an earlier life. So short lives have one writer, and all have met.
	if w.apart != "" && i < 5 {
		n = w.apart
	}
	delete(w.dies, region+" "+key)
	if w.rnd.IntN(3) == 0 {
		w.tell("%s removes %s of %s", n, key, region)
		w.remove(n, region, key)
		delete(w.lost, region+" "+key)
		w.value[region+" "+key] = ""
	} else {
		value := fmt.Sprint("v", w.step)
		w.tell("%s puts %s of %s: %s", n, key, region, value)
		if w.rnd.IntN(4) == 0 && region != "Told" && (w.apart == "" || i < 5) && len(w.met) == walkNodes {
			life := time.Duration(3+w.rnd.IntN(20)) * time.Second
			w.tell("for %v", life)
			w.dies[region+" "+key] = time.Now().Add(life)
			w.putFor(n, region, key, value, life)
		} else {
			w.put(n, region, key, value)
			delete(w.lost, region+" "+key)
		}
		if at := region + " " + key; region == "Told" { // each node has what it put
			w.value[at] += " " + value
		} else {
			w.value[at] = value
		}
	}
	time.Sleep(2 * time.Millisecond) // as far as the clocks of others are apart
}

func (w *walk) begin(i int) {
	w.tell("%d starts", i)
	delete(w.killed, fmt.Sprint(i))
	w.calm = 75 * time.Second // who holds against it what it brings may come after who does not: all are compared every minute
	w.own(i, onDisk(w.dir, "LogBytes=64K")...)
}

// end ends one node, of which others know all; the last of all says goodbye to the medium.
func (w *walk) end() {
	alive := w.alive()
	n := alive[w.rnd.IntN(len(alive))]
	w.settle()
	if len(alive) > 1 && w.rnd.IntN(2) == 0 {
		w.tell("%s is killed", n)
		w.kill(n)
		w.killed[n] = true
		return
	}
	w.tell("%s stops", n)
	w.stop(n)
}

// check compares every node with what should be there.
func (w *walk) check() {
	w.settle()
	for n := range w.nodes {
		w.met[n] = true
	}
	for at, want := range w.value {
		if end, ok := w.dies[at]; ok && time.Now().After(end) {
			want, w.value[at] = "", ""
			delete(w.dies, at)
		}
		region, key, _ := strings.Cut(at, " ")
		held := map[string]bool{}
		for _, n := range w.alive() {
			got := w.get(n, region, key)
			held[got] = true
			if got != "" && got != want && got != w.lost[at] && !(region == "Told" && slices.Contains(strings.Fields(want), got)) {
				w.t.Errorf("%s has %q as %s, which was %q last", n, got, at, want)
			}
		}
		if region == "BothAll" {
			w.account(at, want, held)
		}
	}
	w.alone = false
	if w.t.Failed() {
		w.t.Fatal("\n" + strings.Join(w.story, "\n"))
	}
}

// account judges what all should have alike.
func (w *walk) account(at, want string, held map[string]bool) {
	switch {
	case len(held) > 1:
		w.t.Errorf("not all have the same %s: %v", at, held)
	case held[want]:
	case w.lost[at] != "" && held[w.lost[at]]: // it came back with its holder
		w.value[at] = w.lost[at]
	case !w.alone:
		w.t.Errorf("%s is lost, which was %q", at, want)
	default:
		w.tell("%s is lost", at)
		w.value[at], w.lost[at] = "", want
	}
}

// TestDiskWalk: nodes with disks write, remove, stop, are killed, come back alone or to
// others, soon or when removals are forgotten. What was removed or replaced is never back,
// and nothing is lost while anybody runs.
func TestDiskWalk(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(c *cluster) {
				w := &walk{cluster: c, rnd: rand.New(rand.NewPCG(seed, 5)), dir: t.TempDir(), value: map[string]string{}, lost: map[string]string{}, dies: map[string]time.Time{}, killed: map[string]bool{}, met: map[string]bool{}}
				for i := range walkNodes {
					w.begin(i + 1)
				}
				for range 12 {
					w.check()
					for range w.rnd.IntN(30) {
						w.write()
					}
					w.turn()
				}
				w.check()
			})
		})
	}
}

// part cuts one node off for a while, in which all go on.
func (w *walk) part() {
	alive := w.alive()
	n := alive[w.rnd.IntN(len(alive))]
	w.tell("%s is cut off", n)
	w.apart = n
	defer func() { w.apart = "" }()
	var host int
	fmt.Sscan(n, &host)
	for i := 1; i <= walkNodes; i++ {
		if i != host {
			w.net.Partition(hostAddr(host), hostAddr(i))
		}
	}
	for range w.rnd.IntN(60) {
		w.write()
	}
	if w.rnd.IntN(2) == 0 {
		n := alive[w.rnd.IntN(len(alive))]
		w.tell("%s writes much", n)
		w.much(n, "Both")
		for range w.rnd.IntN(20) {
			w.write()
		}
	}
	d := time.Duration(w.rnd.IntN(400)) * time.Second
	w.tell("%v pass", d)
	time.Sleep(d)
	w.net.HealAll()
	w.tell("and back")
	time.Sleep(20 * time.Second) // as long as an announcement, of who was forgotten meanwhile, takes, and a sync
}

// turn has something happen to the cluster.
func (w *walk) turn() {
	var down []int
	for i := 1; i <= walkNodes; i++ {
		if w.nodes[fmt.Sprint(i)] == nil {
			down = append(down, i)
		}
	}
	switch {
	case len(down) > 0 && (len(w.nodes) == 0 || w.rnd.IntN(2) == 0):
		w.begin(down[w.rnd.IntN(len(down))])
	case w.rnd.IntN(4) == 0:
		d := time.Duration(w.rnd.IntN(300)) * time.Second
		w.tell("%v pass", d)
		time.Sleep(d)
	case len(w.nodes) > 1 && w.rnd.IntN(3) == 0:
		w.part()
	case len(w.nodes) > 1:
		w.end()
	case len(w.met) == walkNodes: // else an earlier last life might meet what its removers do not know any more
		w.settle()
		w.tell("all stop")
		w.stop(w.alive()[0])
		w.alone = true
		clear(w.met)
		i := 1 + w.rnd.IntN(walkNodes)
		w.begin(i)
	}
}
