// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"lateral/resp"
)

var costs = flag.String("costs", "", "write what each attack costs, at full size, to this file (benchmarks/results/hostile-resp.txt)")

// An attack is what a client sends who means harm. run sends it, and returns
// how many bytes; what it leaves open is closed when what is held was measured.
type attack struct {
	name string
	stat string // of INFO: what counts it
	by   string // by how much
	most int    // bytes held, besides what a connection costs
	run  func(a *attacker)
}

// An attacker has a front to attack, and its connections.
type attacker struct {
	*hall
	scale int // 1, or 50 at full size
	sent  int
	conns []*conn
	held  int // when it is worst
}

// measure is for what does not last until run has returned.
func (a *attacker) measure() { a.held = held() }

func (a *attacker) connect() *conn {
	c := a.open()
	a.conns = append(a.conns, c)
	return c
}

// say sends bytes, as far as they are read, and reads no answer.
func (a *attacker) say(c *conn, s string) {
	a.sent += len(s)
	go io.WriteString(c, s)
	synctest.Wait()
}

// pour sends n requests and reads what is answered.
func (a *attacker) pour(c *conn, n int, request func(i int) []string) {
	go io.Copy(io.Discard, c.r)
	for i := 0; i < n; {
		var b strings.Builder
		for ; i < n && b.Len() < 1<<16; i++ {
			words := request(i)
			fmt.Fprintf(&b, "*%d\r\n", len(words))
			for _, w := range words {
				fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
			}
		}
		a.sent += b.Len()
		if _, err := io.WriteString(c, b.String()); err != nil {
			return
		}
	}
	synctest.Wait()
}

const (
	ofAttack = 2000      // clients at once
	perConn  = 48 << 10  // bytes that a connection costs: buffers, goroutine, client
	noise    = 256 << 10 // what the node does meanwhile
	pushes   = 1 << 20
	answers  = 8 << 20
)

// spent is the CPU time of this process and all it has allocated; held is what it has.
func spent() (cpu time.Duration, allocated uint64) {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), m.TotalAlloc
}

func held() int {
	runtime.GC()
	runtime.GC() // what finalizers and pools had
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// A cost is a row of the table.
type cost struct {
	attack
	conns, sent, held, left int
	allocated               uint64
	cpu                     time.Duration
}

// TestHostile does to a front what clients may that mean harm. What it then
// holds is bounded by what was sent or by a limit, what is refused is counted,
// nothing is left when they have gone, and others are served all the time.
func TestHostile(t *testing.T) {
	scale := 1
	if *costs != "" {
		scale = 50
	}
	var all []cost
	for _, at := range attacks(scale) {
		t.Run(at.name, func(t *testing.T) {
			inTime(t, func(c *resp.Config) {
				c.MaxClients, c.PushLimit, c.AnswerLimit, c.TrackedKeys, c.SendTimeout = ofAttack, pushes, answers, 20_000*scale, 20*time.Second
			}, func(t *testing.T, h *hall) {
				a := &attacker{hall: h, scale: scale}
				other := h.connect()
				other.expect("OK", "SET", "big", strings.Repeat("v", 1<<20))
				other.expect("#1", "HSET", "hash", "f", strings.Repeat("v", 1<<20))
				other.expect("0", "ECHO", other.stat(at.stat))
				before := held()
				cpu, allocated := spent()
				at.run(a)
				cpu2, allocated2 := spent()
				k := cost{attack: at, conns: len(a.conns), sent: a.sent, held: max(held(), a.held) - before, cpu: cpu2 - cpu, allocated: allocated2 - allocated}
				if got := other.stat(at.stat); got != at.by {
					t.Errorf("%s: %s is %s, want %s", at.name, at.stat, got, at.by)
				}
				if most := at.most + perConn*len(a.conns) + noise; k.held > most {
					t.Errorf("%s: %d bytes are held after %d were sent on %d connections, at most %d may be", at.name, k.held, k.sent, k.conns, most)
				}
				for _, c := range a.conns {
					c.Close()
				}
				a.conns = nil
				synctest.Wait()
				if k.left = held() - before; k.left > 2<<20 && k.left > k.held/8 {
					t.Errorf("%s: %d bytes are left when they have gone, of %d", at.name, k.left, k.held)
				}
				other.expect("1", "ECHO", other.stat("connected_clients"))
				other.expect("OK", "SET", "k", "v")
				other.expect("v", "GET", "k")
				all = append(all, k)
			})
		})
	}
	if *costs != "" {
		writeCosts(t, all)
	}
}

func writeCosts(t *testing.T, all []cost) {
	f, err := os.Create(*costs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintf(f, "go test ./resp -run Hostile -costs FILE: what attacker and front, in one process, used; held: while the attack lasts, left: after it\nMaxClients %d, PushLimit %d, AnswerLimit %d, TrackedKeys 1000000\nmachine: %d cores, %s/%s, %s, %s\n\n",
		ofAttack, pushes, answers, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02"))
	tw := tabwriter.NewWriter(f, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "connections\tbytes sent\tallocated\theld\tleft\tCPU\tcounted\t attack")
	for _, k := range all {
		fmt.Fprintf(tw, "%d\t%d\t%d\t%d\t%d\t%v\t%s %s\t %s\n", k.conns, k.sent, k.allocated, max(k.held, 0), max(k.left, 0), k.cpu.Round(100*time.Microsecond), k.by, k.stat, k.name)
	}
	tw.Flush()
}
