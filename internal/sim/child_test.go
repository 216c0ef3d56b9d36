// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
)

// orders are what a child process is to run.
type orders struct {
	From, Step, Count uint64
	Until             time.Time // not longer; zero: to the end
	Stop              bool      // at the first that is broken
	Traces            bool      // tell of every run
	Flavour           string    // of these only, if not ""
}

// A report is a line of what a child prints.
type report struct {
	Ran     int            `json:",omitempty"` // since the last report
	Ops     int            `json:",omitempty"`
	Faults  map[string]int `json:",omitempty"`
	Slowest time.Duration  `json:",omitempty"` // to settle
	Seed    uint64         `json:",omitempty"` // of what follows
	Trace   uint64         `json:",omitempty"`
	Broken  []string       `json:",omitempty"`
	Plan    string         `json:",omitempty"`
	History []string       `json:",omitempty"`
}

const childEnv = "LATERAL_SIM_CHILD"

// TestChild is what child processes are for: it runs schedules one after the
// other, in a process of one core, and prints a report for each line.
func TestChild(t *testing.T) {
	text := os.Getenv(childEnv)
	if text == "" {
		t.Skip("it is run by the others")
	}
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	debug.SetGCPercent(-1) // never during a run: it moves goroutines about
	Run(t, Make(0), nil)   // what is made once in a process is made now
	out := json.NewEncoder(os.Stdout)
	sum, last := report{Faults: map[string]int{}}, time.Now()
	tell := func() {
		out.Encode(sum)
		sum, last = report{Faults: map[string]int{}}, time.Now()
	}
	for i := range o.Count {
		seed := o.From + i*o.Step
		p := Make(seed)
		if o.Flavour != "" && p.Flavour != o.Flavour {
			continue
		}
		r := Run(t, p, nil)
		sum.Ran++
		sum.Ops += r.Ops
		sum.Slowest = max(sum.Slowest, r.Settled)
		for k, n := range p.Faults() {
			sum.Faults[k] += n
		}
		if len(r.Broken) > 0 || o.Traces {
			out.Encode(report{Seed: seed, Trace: r.Trace, Broken: r.Broken, Plan: p.String(), History: r.History})
		}
		if len(r.Broken) > 0 && o.Stop || !o.Until.IsZero() && time.Now().After(o.Until) {
			break
		}
		if i%16 == 15 {
			runtime.GC()
			time.Sleep(time.Millisecond) // what it has set off runs now, not amid the next
		}
		if time.Since(last) > time.Second {
			tell()
		}
	}
	tell()
}

// child runs schedules in a process of its own and hands on what it reports.
func child(ctx context.Context, binary string, o orders, take func(report)) error {
	b, _ := json.Marshal(o)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, binary, "-test.run", "^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(b), "GOMAXPROCS=1", "GODEBUG=adaptivestackstart=1")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	said := ""
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r report
		if json.Unmarshal(lines.Bytes(), &r) == nil {
			take(r)
		} else if len(said) < 4000 {
			said += lines.Text() + "\n"
		}
	}
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// children deals schedules out to one process per core.
func children(t testing.TB, binary string, o orders, take func(report)) {
	var g sync.WaitGroup
	var mu sync.Mutex
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	cores := uint64(runtime.NumCPU())
	for i := range cores {
		mine := o
		mine.From, mine.Step, mine.Count = o.From+i, cores, (o.Count-i+cores-1)/cores
		g.Go(func() {
			err := child(ctx, binary, mine, func(r report) {
				mu.Lock()
				defer mu.Unlock()
				take(r)
				if len(r.Broken) > 0 && o.Stop {
					stop()
				}
			})
			if err != nil {
				t.Errorf("the process of every %dth schedule from %d on: %v", cores, mine.From, err)
			}
		})
	}
	g.Wait()
}
