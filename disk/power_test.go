// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// times is how often a trial is made: a few, or as LATERAL_DISK_TRIALS says.
func times(few int) int {
	if n, err := strconv.Atoi(os.Getenv("LATERAL_DISK_TRIALS")); err == nil {
		return n
	}
	return few
}

const childDir = "LATERAL_DISK_CHILD"

// TestChild is no test: TestPowerCut runs it in a process of its own, which
// writes and says what is acknowledged until it is killed.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	c := config(t)
	c.Dir, c.ByStamp = dir, os.Getenv(childDir+"_BYSTAMP") != ""
	if os.Getenv(childDir+"_PACK") != "" {
		c.PackAtRemovals = 1
	}
	d := Open(c)
	go d.Run(context.Background())
	for i := 0; ; i++ {
		// Each round writes all keys anew and removes one in four of them.
		for k := range 40 {
			if k%4 == i%4 {
				d.Note(removeOf(cache.Remove, fmt.Sprint("k", k), i))
			} else {
				d.Note(putOf(fmt.Sprint("k", k), strings.Repeat(fmt.Sprint(i, ";"), 20+k*10), i))
			}
		}
		if i%7 == 3 {
			d.Note(removeOf(cache.Remove, "p:", i))
		} else {
			d.Note(putOf("p:x", fmt.Sprint(i, ";"), i))
		}
		if err := d.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", i)
	}
}

// TestPowerCut kills a process that writes, with signal 9 at a random moment; every third packs its
// file after each round. What was acknowledged is there afterwards, or what was written later; and
// what was removed is not.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for trial := range times(6) {
		t.Run(fmt.Sprint(trial), func(t *testing.T) {
			t.Parallel()
			c := config(t)
			c.ByStamp = trial%2 == 0
			cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$")
			cmd.Env = append(os.Environ(), childDir+"="+c.Dir)
			if c.ByStamp {
				cmd.Env = append(cmd.Env, childDir+"_BYSTAMP=1")
			}
			if trial%3 == 0 {
				cmd.Env = append(cmd.Env, childDir+"_PACK=1")
			}
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			after, acked := rand.IntN(60), -1
			for in := bufio.NewScanner(out); in.Scan(); {
				if n, ok := strings.CutPrefix(in.Text(), "acknowledged "); ok {
					if acked, _ = strconv.Atoi(n); acked == after {
						time.AfterFunc(time.Duration(rand.IntN(20_000))*time.Microsecond, func() { cmd.Process.Kill() })
					}
				}
			}
			cmd.Wait()
			if acked < after {
				t.Fatalf("it ended by itself after %d", acked)
			}
			d, _ := start(t, c)
			if st := d.Status(); !st.Works || st.Harmed > 0 {
				t.Fatalf("%+v", st)
			}
			for k := range 40 {
				checkKey(t, d, fmt.Sprint("k", k), acked, func(i int) bool { return k%4 == i%4 }, 20+k*10)
			}
			checkKey(t, d, "p:x", acked, func(i int) bool { return i%7 == 3 }, 1)
		})
	}
}

// checkKey: of the rounds one from the last that was acknowledged on counts.
func checkKey(t *testing.T, d *Disk, key string, acked int, removed func(int) bool, times int) {
	t.Helper()
	e, ok, err := d.Fetch(t.Context(), "r", key)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		if !removed(acked) && !removed(acked+1) && !removed(acked+2) {
			t.Errorf("%s of round %d is lost", key, acked)
		}
		return
	}
	text, _, _ := strings.Cut(e.Value.Bytes, ";")
	i, err := strconv.Atoi(text)
	if err != nil || e.Value.Bytes != strings.Repeat(fmt.Sprint(i, ";"), times) || e.Stamp != at(i) {
		t.Errorf("%s: garbage %.40q", key, e.Value.Bytes)
	}
	if i < acked || removed(i) {
		t.Errorf("%s is of round %d, %d was acknowledged", key, i, acked)
	}
}

// TestHarm changes bytes of a closed file, or cuts it short, at seeded places:
// nothing wrong is served, nothing that was removed comes back, and the disk
// goes on.
func TestHarm(t *testing.T) {
	t.Parallel()
	base := config(t)
	base.ByStamp = true
	d, stop := start(t, base)
	for i := range 2000 {
		d.Note(putOf(fmt.Sprint("k", i), strings.Repeat(fmt.Sprint("v", i, ";"), 20), i))
	}
	flush(t, d)
	for i := range 200 {
		d.Note(removeOf(cache.Remove, fmt.Sprint("k", i*10), 5000))
	}
	d.Note(removeOf(cache.RemoveGroup, "g", 5001))
	stop()
	harmed := 0
	for seed := range uint64(times(80)) {
		c := config(t)
		c.ByStamp = true
		if err := os.CopyFS(c.Dir, os.DirFS(base.Dir)); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		harm(t, filepath.Join(c.Dir, elementsFile), r)
		while := seed%3 == 2 // harmed while it is open, after it was read
		if while {
			if err := os.RemoveAll(c.Dir); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(c.Dir, os.DirFS(base.Dir)); err != nil {
				t.Fatal(err)
			}
		}
		d, stop := start(t, c)
		if while {
			harm(t, filepath.Join(c.Dir, elementsFile), r)
		}
		served := 0
		for i := range 2000 {
			e, ok, err := d.Fetch(t.Context(), "r", fmt.Sprint("k", i))
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if !ok {
				continue
			}
			if served++; i%10 == 0 || e.Value.Bytes != strings.Repeat(fmt.Sprint("v", i, ";"), 20) || e.Stamp != at(i) {
				t.Fatalf("seed %d: k%d is %.40q of %s", seed, i, e.Value.Bytes, e.Stamp)
			}
		}
		d.Note(putOf("after", "v", 6000))
		eventually(t, func() bool { // a store that is harmed may be noticed by a write only
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return d.Flush(ctx) == nil
		})
		st := d.Status()
		if while && served != 1800 && st.Harmed == 0 { // it was read before that: a miss shows when it is read again
			stop()
			d, stop = start(t, c)
			st = d.Status()
		}
		if st.Harmed > 0 {
			harmed++
		} else if served != 1800 {
			t.Errorf("seed %d: %d of 1800 are served, and no harm is counted: %+v", seed, served, st)
		}
		if !st.Works {
			t.Errorf("seed %d: %+v", seed, st)
		}
		stop()
	}
	if harmed == 0 {
		t.Error("no harm was ever noticed")
	}
	t.Logf("harm was noticed %d times", harmed)
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 30 s")
		}
	}
}

func harm(t *testing.T, file string, r *rand.Rand) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if r.IntN(4) == 0 {
		err = f.Truncate(i.Size() * int64(r.IntN(4)) / 4)
	} else {
		b := make([]byte, 1+r.IntN(64))
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		_, err = f.WriteAt(b, r.Int64N(i.Size()))
	}
	if err != nil {
		t.Fatal(err)
	}
}
