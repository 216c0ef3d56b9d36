// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

// TestPack writes and reads while a file is packed again and again.
func TestPack(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.PackAtRemovals, c.unsynced, c.ByStamp = 500, true, true
	d, stop := start(t, c)
	const keys = 3 * packChunk
	for i := range keys {
		d.Note(putOf(fmt.Sprint("k", i), fmt.Sprint(i, "-0"), 1))
		if i%1000 == 999 {
			flush(t, d)
		}
	}
	d.Note(putOf("same", "v", 1))               // in the file alone from now on
	d.Note(removeOf(cache.RemoveGroup, "g", 1)) // is copied, too
	var all sync.WaitGroup
	last := make([]int, keys) // the round in which a key was written; even: removed
	done := make(chan struct{})
	all.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		for {
			select {
			case <-done:
				return
			default:
			}
			i := r.IntN(keys)
			e, ok, err := d.Fetch(t.Context(), "r", fmt.Sprint("k", i))
			if err != nil || ok && !strings.HasPrefix(e.Value.Bytes, fmt.Sprint(i, "-")) {
				t.Errorf("k%d: %q, %v", i, e.Value.Bytes, err)
				return
			}
		}
	})
	r := rand.New(rand.NewPCG(2, 2))
	for round := 1; d.Status().Packed < 3 && round < 3000; round++ {
		for range 100 {
			i := r.IntN(keys)
			last[i] = round
			if round%2 == 0 {
				d.Note(removeOf(cache.Remove, fmt.Sprint("k", i), 1+round))
			} else {
				d.Note(putOf(fmt.Sprint("k", i), fmt.Sprint(i, "-", round), 1+round))
			}
		}
		flush(t, d)
	}
	close(done)
	all.Wait()
	if st := d.Status(); st.Packed < 3 || st.Harmed > 0 {
		t.Errorf("%+v", st)
	}
	stop()
	d, _ = start(t, c)
	for i, round := range last {
		want := ""
		if round%2 == 1 || round == 0 {
			want = fmt.Sprint(i, "-", round)
		}
		holds(t, d, fmt.Sprint("k", i), want)
	}
	if st := d.Status(); st.Harmed > 0 {
		t.Errorf("%+v", st)
	}
}

// between is a context whose end is looked for between two parts of a file that is
// packed: then it does something.
type between struct {
	context.Context
	do func()
}

func (b between) Err() error {
	b.do()
	return nil
}

// TestGetsWhilePacked: while a file is packed gets are answered, from the file and from what
// waits, and writes are taken.
func TestGetsWhilePacked(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.unsynced = true
	d := Open(c)
	for i := range 3 * packChunk {
		d.Note(putOf(fmt.Sprint("k", i), "v", 1))
		if i%packChunk == packChunk-1 {
			d.write()
		}
	}
	parts := 0
	d.pack(between{t.Context(), func() {
		parts++
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			holds(t, d, "k7", "v")
			d.Note(putOf(fmt.Sprint("meanwhile", parts), "v", 2))
			holds(t, d, fmt.Sprint("meanwhile", parts), "v")
			d.Status()
		}()
		select {
		case <-answered:
		case <-time.After(30 * time.Second):
			panic("a get waits for the packing to end")
		}
	}})
	if st := d.Status(); parts < 3 || st.Packed != 1 {
		t.Errorf("%d parts, %+v", parts, st)
	}
	d.write()
	d.Close()
	d = Open(c)
	for i := range parts {
		holds(t, d, fmt.Sprint("meanwhile", i+1), "v")
	}
	d.Close()
}

// TestWipedWhilePacked: what was copied before the disk was to start empty is not there
// when the file is packed.
func TestWipedWhilePacked(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.unsynced = true
	d := Open(c)
	for i := range 3 * packChunk {
		d.Note(putOf(fmt.Sprint("k", i), "old", 1))
		if i%packChunk == packChunk-1 {
			d.write()
		}
	}
	parts := 0
	d.pack(between{t.Context(), func() {
		if parts++; parts == 1 {
			d.Wipe()
			d.Note(putOf("new", "v", 2))
		}
	}})
	listed := func() (keys []string) {
		d.Each([]string{""}, func(e *cache.Element) bool { keys = append(keys, e.Key); return true })
		return keys
	}
	if got := listed(); len(got) != 1 || got[0] != "new" {
		t.Errorf("%d keys are listed", len(got))
	}
	d.pack(t.Context())
	if st := d.Status(); st.Packed != 1 || st.Elements != 1 || st.Harmed > 0 {
		t.Errorf("%+v", st)
	}
	d.Close()
	d = Open(c)
	if got, st := listed(), d.Status(); len(got) != 1 || st.Elements != 1 || st.Harmed > 0 {
		t.Errorf("%d keys are listed, %+v", len(got), st)
	}
	d.Close()
}

// TestPackAtEnd: a file of which much is free is packed when the node ends, if it is to be;
// and what a life that was killed meanwhile left of a new one is cleared away.
func TestPackAtEnd(t *testing.T) {
	t.Parallel()
	for _, packs := range []bool{false, true} {
		c := config(t)
		c.unsynced, c.PackAtEnd = true, packs
		d := Open(c)
		for i := range 24 {
			d.Note(putOf(fmt.Sprint("k", i), strings.Repeat("v", 1<<20), 1))
		}
		d.write()
		for i := range 20 {
			d.Note(removeOf(cache.Remove, fmt.Sprint("k", i), 2))
		}
		d.Close()
		if err := os.WriteFile(d.file(packSuffix), []byte("half of one"), 0o600); err != nil {
			t.Fatal(err)
		}
		d = Open(c)
		if st := d.Status(); st.Elements != 4 || st.Harmed > 0 || (st.FileBytes < 24<<20) != packs {
			t.Errorf("packs %t: %+v", packs, st)
		}
		if _, err := os.Stat(d.file(packSuffix)); !os.IsNotExist(err) {
			t.Errorf("what is left of packing is there: %v", err)
		}
		d.Close()
	}
}

// TestParts: who reads a file does so some MB at a time, however large its records are, and of the
// keys he asks for alone.
func TestParts(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.unsynced, c.ByStamp = true, true
	d := Open(c)
	defer d.Close()
	for i := range 10 {
		d.Note(putOf(fmt.Sprintf("k%02d", i), strings.Repeat("v", 1<<20), 1))
		d.Note(putOf(fmt.Sprintf("small%02d", i), "v", 1))
	}
	d.write()
	d.Note(putOf("k99", "v", 2)) // waits
	d.Note(putOf("l", "v", 2))
	d.Note(removeOf(cache.Remove, "k07", 2))
	if part, at := d.part("", ""); len(part) > partBytes>>20+1 || at == "" {
		t.Errorf("%d MB at once", len(part))
	}
	parts := 0
	d.pack(between{t.Context(), func() { parts++ }})
	if st := d.Status(); parts < 3 || st.Packed != 1 {
		t.Errorf("packed in %d parts: %+v", parts, st)
	}
	for prefix, want := range map[string]int{"": 21, "k": 10, "k0": 9, "small": 10, "l": 1, "x": 0} {
		n := 0
		d.Each([]string{prefix}, func(e *cache.Element) bool {
			if n++; !strings.HasPrefix(e.Key, prefix) || e.Key == "k07" {
				t.Errorf("%q for %q", e.Key, prefix)
			}
			return true
		})
		if n != want {
			t.Errorf("%q: %d keys, want %d", prefix, n, want)
		}
	}
}
