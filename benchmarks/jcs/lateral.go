// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lateral"
)

// ours is Lateral as a system to compare. It reads JCS 1.3's cache.ccf, with
// the listener's address added.
func ours(self string) *system {
	return &system{name: "Lateral", tells: "a",
		command: func(role, dir string) *exec.Cmd {
			return exec.Command(self, "-serve", role, "-ccf", filepath.Join(dir, "cache.ccf"))
		},
		ccf: func(role string, port, peer int) string {
			return settings(generation{root: generations[0].root}, role, port, peer)
		}}
}

// among is Lateral with a Java node for its peer: with that one's class names,
// and no mesh to wait for.
func among(self string, g generation) *system {
	return &system{name: "Lateral",
		command: func(role, dir string) *exec.Cmd {
			return exec.Command(self, "-serve", role, "-alone", "-ccf", filepath.Join(dir, "cache.ccf"))
		},
		ccf: func(role string, port, peer int) string {
			return settings(generation{root: g.root}, role, port, peer)
		}}
}

// A driver is one process of Lateral: Driver.java's twin, kept alike loop by loop.
type driver struct {
	n     *lateral.Node
	r     *lateral.Region[string]
	base  uint64 // arrivals before reset
	acks  []time.Duration
	beats atomic.Int64
	stop  chan struct{} // closed when the questions have ended
	wg    sync.WaitGroup
}

var background = context.Background()

// serve answers questions until its input ends.
func serve(role, file string, in io.Reader, out io.Writer) error {
	n, err := lateral.Open(background, lateral.Config{Service: role, Host: "bench", Files: []string{file},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	defer n.Close()
	d := &driver{n: n, stop: make(chan struct{})}
	defer d.wg.Wait()
	defer close(d.stop)
	if d.r, err = lateral.In(n, "Bench", lateral.Text); err != nil {
		return err
	}
	if role == "a" { // B is there already
		if err := linked(n); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "ready")
	for sc := bufio.NewScanner(in); sc.Scan(); {
		answer, err := d.answer(strings.Fields(sc.Text()))
		if err != nil {
			answer = "error " + err.Error()
		}
		fmt.Fprintln(out, answer)
	}
	return nil
}

// linked waits for the link to B, of whichever kind that is.
func linked(n *lateral.Node) error {
	ctx, cancel := context.WithTimeout(background, ordinary)
	defer cancel()
	if !*alone {
		return n.WaitComplete(ctx, 2)
	}
	for {
		for _, k := range n.Status().Endpoints[0].Links {
			if k.Direction == "out" {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the Java node is not linked")
		case <-time.After(time.Millisecond):
		}
	}
}

// num returns a word of a question as a number. Whoever asks is this program.
func num(q []string, i int) int {
	n, _ := strconv.Atoi(q[i])
	return n
}

func (d *driver) answer(q []string) (string, error) {
	switch q[0] {
	case "fill":
		return d.fill(q[1], num(q, 2), num(q, 3), num(q, 4))
	case "reset":
		d.base += d.arrivals()
		return "ok", nil
	case "arrived":
		return d.arrived(uint64(num(q, 1)), millis(num(q, 2)), millis(num(q, 3))), nil
	case "check":
		return d.check(q[1], num(q, 2), num(q, 3))
	case "paced":
		return d.paced(num(q, 1), num(q, 2), num(q, 3))
	case "poll":
		return d.poll(num(q, 1), millis(num(q, 2)))
	case "told":
		return joined(d.acks), nil
	case "gets":
		return d.gets(num(q, 1), num(q, 2), millis(num(q, 3)))
	case "beat":
		d.wg.Go(d.beat)
		return "ok", nil
	case "beats":
		return strconv.FormatInt(d.beats.Load(), 10), nil
	case "has":
		return "ok", d.r.Put(background, q[1], q[1])
	case "one":
		began := time.Now()
		_, ok, err := d.r.Get(background, q[1])
		took := time.Since(began).Nanoseconds()
		if ok {
			return fmt.Sprint(took, " 1"), err
		}
		return fmt.Sprint(took, " 0"), err
	case "await":
		return d.await(int64(num(q, 1)), millis(num(q, 2)))
	}
	return "", errors.New("unknown question " + q[0])
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func keyOf(i int) string { return fmt.Sprintf("user:%08d", i) }

func keysOf(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = keyOf(i)
	}
	return names
}

func padded(head string, size int) string {
	return head + strings.Repeat("x", max(0, size-len(head)))
}

// since is the age of a value that carries its time: by the wall clock, the
// one that Java and Go read alike in two processes.
func since(value string) (time.Duration, error) {
	head, _, _ := strings.Cut(value, " ")
	ns, err := strconv.ParseInt(head, 10, 64)
	return time.Duration(time.Now().UnixNano() - ns), err
}

func joined(ds []time.Duration) string {
	var b []byte
	for _, d := range ds {
		b = append(strconv.AppendInt(b, int64(d), 10), ' ')
	}
	return string(b)
}

func (d *driver) fill(run string, puts, keys, size int) (string, error) {
	names := keysOf(keys)
	values := make([]string, puts)
	for i := range values {
		values[i] = padded(run+":"+strconv.Itoa(i)+" ", size)
	}
	began := time.Now()
	for i := range puts {
		if err := d.r.Put(background, names[i%keys], values[i]); err != nil {
			return "", err
		}
	}
	return strconv.FormatInt(time.Since(began).Nanoseconds(), 10), nil
}

// arrivals counts what peers' changes did here since the last reset, by
// whatever path they came.
func (d *driver) arrivals() uint64 {
	for _, s := range d.n.Status().Regions {
		if s.Region == d.r.Name() {
			return s.Stats.Received + s.Stats.Stale + s.Stats.SyncIn - d.base
		}
	}
	return 0
}

// arrived looks every 2 ms: Lateral has no hook, and a status is not free.
func (d *driver) arrived(want uint64, quiet, max time.Duration) string {
	began := time.Now()
	last, count := began, d.arrivals()
	for count < want && time.Since(last) < quiet && time.Since(began) < max {
		time.Sleep(2 * time.Millisecond)
		if n := d.arrivals(); n != count {
			count, last = n, time.Now()
		}
	}
	return fmt.Sprint(count, " ", time.Since(last).Nanoseconds())
}

func (d *driver) check(run string, puts, keys int) (string, error) {
	good := 0
	for k := range keys {
		last := (puts-1-k)/keys*keys + k
		v, ok, err := d.r.Get(background, keyOf(k))
		if err != nil {
			return "", err
		}
		if ok && strings.HasPrefix(v, run+":"+strconv.Itoa(last)+" ") {
			good++
		}
	}
	return strconv.Itoa(good), nil
}

func (d *driver) paced(rate, puts, size int) (string, error) {
	d.acks = d.acks[:0]
	ctx, cancel := context.WithTimeout(background, time.Duration(puts)*time.Second/time.Duration(rate)+ordinary)
	defer cancel()
	next := time.Now()
	for i := range puts {
		next = next.Add(time.Second / time.Duration(rate))
		time.Sleep(time.Until(next))
		began := time.Now()
		if err := d.r.Put(ctx, "lat"+strconv.Itoa(i), padded(strconv.FormatInt(began.UnixNano(), 10)+" ", size)); err != nil {
			return "", err
		}
		if err := d.n.Barrier(ctx); err != nil {
			return "", err
		}
		d.acks = append(d.acks, time.Since(began))
	}
	return "ok", nil
}

func (d *driver) poll(puts int, max time.Duration) (string, error) {
	delays := make([]time.Duration, puts)
	end := time.Now().Add(max)
	for i := range delays {
		key := "lat" + strconv.Itoa(i)
		giveUp := time.Now().Add(5 * time.Second)
		v, ok, err := d.r.Get(background, key)
		for ; !ok && err == nil && time.Now().Before(giveUp) && time.Now().Before(end); v, ok, err = d.r.Get(background, key) {
			time.Sleep(50 * time.Microsecond)
		}
		if err != nil {
			return "", err
		}
		delays[i] = -1
		if ok {
			if delays[i], err = since(v); err != nil {
				return "", err
			}
		}
	}
	return joined(delays), nil
}

func (d *driver) gets(threads, keys int, ms time.Duration) (string, error) {
	names := keysOf(keys)
	done, missed := make([]int, threads), make([]int, threads)
	began := time.Now()
	end := began.Add(ms)
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() { done[t], missed[t] = d.read(names, end, t) })
	}
	wg.Wait()
	took := time.Since(began)
	sum, lost := 0, 0
	for t := range threads {
		sum, lost = sum+done[t], lost+missed[t]
	}
	return fmt.Sprint(sum, took.Nanoseconds(), lost), nil
}

func (d *driver) read(names []string, end time.Time, me int) (n, lost int) {
	x := uint32(0x9E3779B9 + me)
	for time.Now().Before(end) {
		for range 1000 {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			if _, ok, err := d.r.Get(background, names[int(x>>1)%len(names)]); !ok || err != nil {
				lost++
			}
		}
		n += 1000
	}
	return n, lost
}

func (d *driver) beat() {
	for {
		if err := d.r.Put(background, "beat", strconv.FormatInt(d.beats.Add(1), 10)); err != nil {
			fmt.Fprintln(os.Stderr, "beat:", err) // B will not see it, which is what is measured
		}
		select {
		case <-d.stop:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (d *driver) await(seq int64, max time.Duration) (string, error) {
	for end := time.Now().Add(max); time.Now().Before(end); time.Sleep(time.Millisecond) {
		v, ok, err := d.r.Get(background, "beat")
		if err != nil {
			return "", err
		}
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return "", err
		}
		if n > seq {
			return "yes", nil
		}
	}
	return "never", nil
}
