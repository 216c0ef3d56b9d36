// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"
)

// flapKeys is how many keys change and are read.
const flapKeys = 200

// Flaps writes through one host and reads through a client's cache on another,
// while whoever runs it breaks the network between them. It answers lines:
//
//	#1 write N     when N more writes have been made
//	#2 flushed     when the client has been told once more to forget everything
//	#3 hold        stops writing, so that what was written before is not written again
//	#4 settle      stops writing; when every key is read as it was written last,
//	               out of the client's cache: "ok …" with figures; what is
//	               still stale after settleWithin: "stale …". Then goes on.
type flaps struct {
	reader, writer valkey.Client

	writing sync.Mutex // held for each write, and by hold
	held    bool       // by hold; of serve alone
	keys    [flapKeys]versions

	writes, hits, misses, told, flushed atomic.Int64
	stalest                             atomic.Int64 // µs, since the last settle
}

// A versions is what one key has been.
type versions struct {
	mu   sync.Mutex
	last int
	at   []time.Time // when each version had been written, by its number
}

const settleWithin = 20 * time.Second

func newFlaps(db int, readerAddr, writerAddr string) *flaps {
	f := &flaps{writer: open(writerAddr, db, nil)}
	f.reader = open(readerAddr, db, func(keys []string) {
		f.told.Add(1)
		if keys == nil {
			f.flushed.Add(1)
		}
	})
	return f
}

func name(i int) string { return "flap:" + strconv.Itoa(i) }

func (f *flaps) serve(in io.Reader) {
	for i := range flapKeys {
		f.write(i)
	}
	go func() { // some 2,000 changes a second
		for range time.Tick(5 * time.Millisecond) {
			f.writing.Lock()
			for range 10 {
				f.write(rand.IntN(flapKeys))
			}
			f.writing.Unlock()
		}
	}()
	go func() { // every key, some hundred times a second
		for range time.Tick(5 * time.Millisecond) {
			for i := range flapKeys {
				f.read(i)
			}
		}
	}()
	fmt.Println("ready")
	for s := bufio.NewScanner(in); s.Scan(); {
		w := strings.Fields(s.Text())
		switch w[1] {
		case "write":
			n, _ := strconv.Atoi(w[2])
			for until := f.writes.Load() + int64(n); f.writes.Load() < until; {
				time.Sleep(time.Millisecond)
			}
			fmt.Println(w[0], "ok")
		case "flushed":
			for before := f.flushed.Load(); f.flushed.Load() == before; {
				time.Sleep(time.Millisecond)
			}
			fmt.Println(w[0], "ok")
		case "hold":
			f.hold()
			fmt.Println(w[0], "ok")
		case "settle":
			f.hold()
			fmt.Println(w[0], f.settle())
			f.held = false
			f.writing.Unlock()
		}
	}
}

// write makes the next version of a key, and knows when it had been made.
func (f *flaps) write(i int) {
	v := &f.keys[i]
	v.mu.Lock()
	next := v.last + 1
	if *source { // the source has it before anybody is told
		v.last, v.at = next, append(v.at, time.Time{})
	}
	v.mu.Unlock()
	var err error
	if *source {
		err = del(f.writer, name(i))
	} else {
		err = set(f.writer, name(i), strconv.Itoa(next))
	}
	if err != nil {
		log.Fatalf("write: %v", err)
	}
	v.mu.Lock()
	if *source {
		v.at[next-1] = time.Now()
	} else {
		v.last, v.at = next, append(v.at, time.Now())
	}
	v.mu.Unlock()
	f.writes.Add(1)
}

// read reads a key and notes how stale it was: since when a newer version had
// been written. It reports whether it was the last one, out of the cache.
func (f *flaps) read(i int) (current bool) {
	began := time.Now()
	text, hit, err := get(f.reader, name(i))
	if err != nil {
		log.Fatalf("read: %v", err)
	}
	if !hit {
		f.misses.Add(1)
	}
	if text == "" && *source { // a client keeps also that there is nothing
		f.load(i)
		return false
	}
	got, _ := strconv.Atoi(text)
	v := &f.keys[i]
	v.mu.Lock()
	defer v.mu.Unlock()
	if hit {
		f.hits.Add(1)
		if got < len(v.at) && !v.at[got].IsZero() && v.at[got].Before(began) { // version got+1
			f.note(began.Sub(v.at[got]))
		}
	}
	return hit && got == v.last
}

func (f *flaps) note(stale time.Duration) {
	for {
		most := f.stalest.Load()
		if stale.Microseconds() <= most || f.stalest.CompareAndSwap(most, stale.Microseconds()) {
			return
		}
	}
}

// load fills the cache from the source. What has changed meanwhile is removed
// again: the removal by who changed it may have come before the fill.
func (f *flaps) load(i int) {
	v := &f.keys[i]
	version := func() int { v.mu.Lock(); defer v.mu.Unlock(); return v.last }
	have := version()
	err := set(f.reader, name(i), strconv.Itoa(have))
	if err == nil && version() != have {
		err = del(f.reader, name(i))
	}
	if err != nil {
		log.Fatalf("load: %v", err)
	}
}

func (f *flaps) hold() {
	if !f.held {
		f.writing.Lock()
		f.held = true
	}
}

func (f *flaps) settle() string {
	began := time.Now()
	for {
		stale := []string{}
		for i := range flapKeys {
			if !f.read(i) {
				text, hit, _ := get(f.reader, name(i))
				stale = append(stale, fmt.Sprintf("%s: %s of %d, hit %v", name(i), text, f.keys[i].last, hit))
			}
		}
		if len(stale) == 0 {
			break
		}
		if time.Since(began) > settleWithin {
			return fmt.Sprintf("stale after %v: %d keys, %s", settleWithin, len(stale), strings.Join(stale[:min(len(stale), 3)], "; "))
		}
	}
	out := fmt.Sprintf("ok after %d ms, stalest %d ms, writes %d, hits %d, misses %d, told %d, flushed %d", time.Since(began).Milliseconds(), f.stalest.Swap(0)/1000,
		f.writes.Load(), f.hits.Load(), f.misses.Load(), f.told.Load(), f.flushed.Load())
	return out
}
