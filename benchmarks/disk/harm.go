// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// writer writes batches for ever and says which are written.
func writer(kind, dir string) {
	s, err := open(kind, dir, false)
	must(err)
	for at := 0; ; at += 100 {
		var b []pair
		for i := at; i < at+100; i++ {
			b = append(b, pair{key(i), value(i, 1)})
		}
		must(s.write(b))
		fmt.Println(at + 100)
	}
}

// killed kills the writer at random moments and looks for what it had said.
func killed(kind, dir string) {
	lost, slowest := 0, time.Duration(0)
	for trial := range *kills {
		at := filepath.Join(dir, fmt.Sprint("kill", trial))
		cmd := exec.Command(os.Args[0], "-child", "write", "-stores", kind, "-dir", at, "-size", fmt.Sprint(*size))
		out, err := cmd.StdoutPipe()
		must(err)
		must(cmd.Start())
		time.AfterFunc(time.Duration(200+rand.IntN(1500))*time.Millisecond, func() { cmd.Process.Kill() })
		said := 0
		for in := bufio.NewScanner(out); in.Scan(); {
			fmt.Sscan(in.Text(), &said)
		}
		cmd.Wait()
		began := time.Now()
		s, err := open(kind, at, false)
		must(err)
		slowest = max(slowest, time.Since(began))
		for i := range said {
			if v, err := s.get(key(i)); err != nil || !sound(i, v) {
				lost++
			}
		}
		must(s.close())
		os.RemoveAll(at)
	}
	fmt.Printf("%-7s kill -9, %d times: %d acknowledged elements lost; opened again within %s\n", kind, *kills, lost, slowest.Round(100*time.Microsecond))
}

const judged = 20_000

// judge looks at everything in a store that may be harmed, and says what it
// found. What it does not survive the parent sees.
func judge(kind, dir string) {
	if *guard { // as the disk tier does
		debug.SetPanicOnFault(true)
		defer func() {
			if p := recover(); p != nil {
				fmt.Println("a panic or a fault, recovered")
			}
		}()
	}
	s, err := open(kind, dir, false)
	if err != nil {
		fmt.Println("open fails")
		return
	}
	wrong, errs, missing := 0, 0, 0
	for i := range judged {
		v, err := s.get(key(i))
		switch {
		case err != nil:
			errs++
		case v == nil:
			missing++
		case !sound(i, v):
			wrong++
		}
	}
	if s.scan(func(k, v []byte) {}) != nil {
		errs++
	}
	if s.write([]pair{{key(1), value(1, 2)}, {key(judged / 2), nil}}) != nil {
		errs++
	}
	verdict := "nothing to be seen"
	switch {
	case errs > 0:
		verdict = "errors"
	case wrong > 0:
		verdict = "wrong values without an error"
	case missing > 0:
		verdict = "elements missing without an error"
	}
	fmt.Println(verdict)
	s.close()
}

// flipped changes one byte of a closed store, at random places, and has a
// child look at it.
func flipped(kind, dir string) {
	base := filepath.Join(dir, "base")
	s, err := open(kind, base, false)
	must(err)
	for at := 0; at < judged; at += 1000 {
		var b []pair
		for i := at; i < at+1000; i++ {
			b = append(b, pair{key(i), value(i, 1)})
		}
		must(s.write(b))
	}
	must(s.close())
	for _, guarded := range []bool{false, true} {
		flip(kind, dir, base, guarded)
	}
}

func flip(kind, dir, base string, guarded bool) {
	tally := map[string]int{}
	r := rand.New(rand.NewPCG(3, 4))
	how := "as it is"
	if guarded {
		how = "guarded"
	}
	for trial := range *flips {
		at := filepath.Join(dir, fmt.Sprint("flip", trial))
		must(os.CopyFS(at, os.DirFS(base)))
		harm(at, r, trial%4 == 3)
		tally[look(kind, at, guarded)]++
		os.RemoveAll(at)
	}
	for _, v := range slices.Sorted(maps.Keys(tally)) {
		fmt.Printf("%-7s one place harmed, %d times (each fourth: a file cut short), %s: %3d × %s\n", kind, *flips, how, tally[v], v)
	}
}

func look(kind, at string, guarded bool) string {
	cmd := exec.Command(os.Args[0], "-child", "judge", "-stores", kind, "-dir", at, "-size", fmt.Sprint(*size), "-guard="+fmt.Sprint(guarded))
	var out, bad strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &bad
	must(cmd.Start())
	hung := false
	t := time.AfterFunc(60*time.Second, func() { hung = true; cmd.Process.Kill() })
	err := cmd.Wait()
	t.Stop()
	switch {
	case hung:
		return "hangs"
	case err != nil && (strings.Contains(bad.String(), "SIGBUS") || strings.Contains(bad.String(), "SIGSEGV")):
		return "the process dies of a signal"
	case err != nil:
		return "panics"
	}
	return strings.TrimSpace(out.String())
}

// harm changes 16 bytes at a random place of the store, or cuts a file short
// by a third: places by bytes, so large files are hit more often.
func harm(dir string, r *rand.Rand, cut bool) {
	at := r.Int64N(du(dir))
	files, err := os.ReadDir(dir)
	must(err)
	for _, e := range files {
		i, err := e.Info()
		must(err)
		if at >= i.Size() {
			at -= i.Size()
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_RDWR, 0)
		must(err)
		if cut {
			must(f.Truncate(i.Size() * 2 / 3))
		} else {
			b := make([]byte, 16)
			for j := range b {
				b[j] = byte(r.Uint32())
			}
			f.WriteAt(b, min(at, i.Size()-16))
		}
		must(f.Close())
		return
	}
}
