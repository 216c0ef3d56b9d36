// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"lateral/cache"
	"lateral/web"
)

// Every host has a writer for each of these regions, and one more for what is
// read back.
var loaded = []string{"Plain", "Top", "Ses"}

// loadKeys is how many keys each region has: of Top more than it holds.
var loadKeys = map[string]int{"Plain": 3000, "Top": 3 * topBound, "Ses": 300}

const (
	topBound = 2000
	pace     = 12 * time.Millisecond // of one writer: some hundred writes a second in all
)

// padding makes values as large as small sessions, so that seconds of writes
// fill the smallest log.
var padding = strings.Repeat(".", 500)

// A write is a put or a removal, and what came of it.
type write struct {
	key, value string // without its padding; "": a removal
	stamp      cache.Stamp
	err        error // it may have happened all the same
	life       *life
}

// A life is one process on one host, from its start to its end.
type life struct {
	host  string
	ended bool // guarded by load.mu
}

// A load writes, removes and reads on all hosts at once, through their own
// services, and remembers everything that it did.
type load struct {
	clients []*web.Client // by host
	pacer   sync.RWMutex  // held for reading while an operation is under way; pause holds it

	mu     sync.Mutex // guards what follows
	lives  []*life    // by host: the one that runs
	writes map[string][]write
	kills  int // since the last judgement
	total  int
	failed int
	broken []string
	latest []cache.Stamp // of the region that is being judged
}

func newLoad(clients []*web.Client, hosts []string) *load {
	l := &load{clients: clients, writes: map[string][]write{}}
	for _, h := range hosts {
		l.lives = append(l.lives, &life{host: h})
	}
	return l
}

// run writes until ctx ends.
func (l *load) run(ctx context.Context, seed uint64) {
	var all sync.WaitGroup
	for host := range l.clients {
		for i, region := range loaded {
			rnd := rand.New(rand.NewPCG(seed, uint64(host*len(loaded)+i)))
			all.Go(func() { l.writer(ctx, host, region, rnd) })
		}
	}
	all.Wait()
}

func (l *load) writer(ctx context.Context, host int, region string, rnd *rand.Rand) {
	t := time.NewTicker(pace)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		l.pacer.RLock()
		l.one(ctx, host, region, n, rnd)
		l.pacer.RUnlock()
	}
}

// pause waits until nothing is under way and nothing more is begun; the caller
// goes on with resume.
func (l *load) pause()  { l.pacer.Lock() }
func (l *load) resume() { l.pacer.Unlock() }

// removable reports whether a key is ever removed: the others must never be
// missing, whatever became of removals that were not answered.
func removable(k int) bool { return k%4 == 0 }

// one writes, or removes, and now and then reads what it just wrote.
func (l *load) one(ctx context.Context, host int, region string, n int, rnd *rand.Rand) {
	k := rnd.IntN(loadKeys[region])
	me := l.life(host)
	w := write{key: fmt.Sprint("k", k), value: fmt.Sprintf("%s %s %d %x", region, me.host, n, rnd.Uint64()), life: me}
	c := cache.Command{Op: cache.Put, Region: region, Key: w.key, Value: cache.Value{Bytes: w.value + padding}}
	if removable(k) && rnd.IntN(5) < 2 {
		w.value, c.Op, c.Value = "", cache.Remove, cache.Value{}
	}
	rep, err := l.clients[host].Do(ctx, c)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return // nobody was there
	}
	w.stamp, w.err = rep.Stamp, err
	l.note(region, w)
	if err != nil || region == "Top" || w.value != "" && removable(k) || rnd.IntN(4) > 0 {
		return
	}
	got, err := l.clients[host].Do(ctx, cache.Command{Op: cache.Get, Region: region, Key: w.key})
	switch old := got.Found && got.Stamp.Before(w.stamp); {
	case err != nil || l.life(host) != me:
	case old && w.value != "":
		l.breaks("%s reads %s of %s at %s, and had put it at %s", me.host, w.key, region, got.Stamp, w.stamp)
	case old:
		l.breaks("%s reads %s of %s at %s, and had removed it at %s", me.host, w.key, region, got.Stamp, w.stamp)
	case !got.Found && w.value != "":
		l.breaks("%s reads nothing as %s of %s, and had put it at %s", me.host, w.key, region, w.stamp)
	}
}

func (l *load) life(host int) *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lives[host]
}

// killed begins another life on a host.
func (l *load) killed(host int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lives[host].ended = true
	l.lives[host] = &life{host: l.lives[host].host}
	l.kills++
}

func (l *load) note(region string, w write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes[region+" "+w.key] = append(l.writes[region+" "+w.key], w)
	l.total++
	if w.err != nil {
		l.failed++
	}
}

// maxBroken bounds what a run tells of: one broken promise leads to more.
const maxBroken = 20

func (l *load) breaks(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaksLocked(format, args...)
}

func (l *load) breaksLocked(format string, args ...any) {
	if len(l.broken) < maxBroken {
		l.broken = append(l.broken, fmt.Sprintf(format, args...))
	}
}
