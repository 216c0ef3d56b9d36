// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"lateral/benchmarks/internal/peer"
)

// A member is a node of what is driven from Go.
type member interface {
	put(key, value string) error
	get(key string) (value string, ok bool, err error)
	hold(key, value string) error // read from its source: kept here, told to nobody
	bulk(keys, values []string) error
	acked(key, value string) error // a put with the strongest acknowledgement there is
	heap() (int64, error)
	close()
}

// A driver is one process: Driver.java's twin, kept alike loop by loop.
type driver struct {
	m    member
	last []int // of write: what was put under each key, and returned
	bg   sync.WaitGroup
	stop chan struct{}
}

// serveGo is a process of an engine: ROLE DIR PORT PEER.
func serveGo(engine string, args []string, in io.Reader, out io.Writer) error {
	var m member
	var err error
	if engine == "redis" {
		m, err = openRedis(args[0], args[3])
	} else {
		m, err = openLateral(engineOf(engine), args[0], args[1])
	}
	if err != nil {
		return err
	}
	defer m.close()
	d := &driver{m: m, stop: make(chan struct{})}
	defer d.bg.Wait()
	defer close(d.stop)
	fmt.Fprintln(out, "ready")
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, peer.MaxLine)
	for sc.Scan() {
		answer, err := d.answer(strings.Fields(sc.Text()))
		if err != nil {
			answer = "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Fprintln(out, answer)
	}
	return nil
}

// num returns a word of a question as a number. Whoever asks is this program.
func num(q []string, i int) int {
	n, _ := strconv.Atoi(q[i])
	return n
}

func ms(q []string, i int) time.Duration { return time.Duration(num(q, i)) * time.Millisecond }

func (d *driver) answer(q []string) (string, error) {
	switch q[0] {
	case "fill":
		return d.fill(q[1], num(q, 2), num(q, 3), num(q, 4), ms(q, 5), num(q, 6))
	case "settle":
		return d.settle(q)
	case "bulk":
		return d.bulk(num(q, 1), num(q, 2))
	case "prime":
		return d.prime(num(q, 1), num(q, 2))
	case "seed":
		return d.seed(num(q, 1), num(q, 2), num(q, 3))
	case "ready":
		return d.ready(num(q, 1), ms(q, 2))
	case "paced":
		return d.paced(num(q, 1), num(q, 2), num(q, 3))
	case "poll":
		return d.poll(num(q, 1), ms(q, 2), num(q, 3) == 1)
	case "gets":
		return d.gets(num(q, 1), num(q, 2), ms(q, 3))
	case "heap":
		n, err := d.m.heap()
		return strconv.FormatInt(n, 10), err
	case "write":
		return d.write(q[1], num(q, 2), num(q, 3), ms(q, 4), num(q, 5), num(q, 6), num(q, 7)), nil
	case "last":
		var b strings.Builder
		for _, x := range d.last {
			fmt.Fprint(&b, x, " ")
		}
		return b.String(), nil
	case "dump":
		return d.dump(num(q, 1))
	case "acked":
		return "ok", d.acked(q[1], num(q, 2))
	case "survive":
		return d.survive(num(q, 1))
	}
	return "", fmt.Errorf("unknown question %q", q[0])
}

func keyAt(i int) string { return "user:" + strconv.Itoa(100_000_000+i) }

func padded(head string, size int) string {
	return head + " " + strings.Repeat("x", max(0, size-len(head)-1))
}

func headOf(value string, ok bool) string {
	if !ok {
		return "-"
	}
	head, _, _ := strings.Cut(value, " ")
	return head
}

// threads runs work n times at once, and returns the first error.
func threads(n int, work func(t int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for t := range n {
		wg.Go(func() { errs[t] = work(t) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) fill(run string, writers, keys, size int, most time.Duration, puts int) (string, error) {
	names := make([]string, keys)
	for i := range names {
		names[i] = keyAt(i)
	}
	per, pad := keys/writers, strings.Repeat("x", size)
	n := make([]int, writers)
	began := time.Now()
	end := began.Add(most)
	err := threads(writers, func(t int) error {
		for j := 0; j < puts/writers && time.Now().Before(end); j++ {
			head := run + ":" + strconv.Itoa(j) + " "
			if err := d.m.put(names[t+writers*(j%per)], head+pad[min(size, len(head)):]); err != nil {
				return err
			}
			n[t] = j + 1
		}
		return nil
	})
	answer := strconv.FormatInt(time.Since(began).Nanoseconds(), 10)
	for _, x := range n {
		answer += " " + strconv.Itoa(x)
	}
	return answer, err
}

// lastOf is the last that fill has put under a key, -1 if nothing.
func lastOf(key, writers, keys, n int) int {
	per, slot := keys/writers, key/writers
	if slot >= n || slot >= per {
		return -1
	}
	return (n-1-slot)/per*per + slot
}

func (d *driver) settle(q []string) (string, error) {
	run, writers, keys, drops := q[1], num(q, 2), num(q, 3), num(q, 6) == 1
	began := time.Now()
	end, progress, good, total := began.Add(ms(q, 5)), began, 0, 0
	for k := range keys {
		want := lastOf(k, writers, keys, num(q, 7+k%writers))
		if want < 0 {
			continue
		}
		total++
		name, head := keyAt(k), run+":"+strconv.Itoa(want)+" "
		v, ok, err := d.m.get(name)
		for err == nil && !fresh(v, ok, head, drops) && time.Now().Before(end) && time.Since(progress) < ms(q, 4) {
			time.Sleep(200 * time.Microsecond)
			before := v
			if v, ok, err = d.m.get(name); v != before {
				progress = time.Now() // an earlier put: more is on its way
			}
		}
		if err != nil {
			return "", err
		}
		if fresh(v, ok, head, drops) {
			good++
			progress = time.Now()
		}
	}
	return fmt.Sprint(good, total, progress.Sub(began).Nanoseconds()), nil
}

func fresh(v string, ok bool, head string, drops bool) bool {
	if !ok {
		return drops
	}
	return strings.HasPrefix(v, head)
}

func (d *driver) bulk(n, size int) (string, error) {
	began := time.Now()
	for i := 0; i < n; {
		var keys, values []string
		for end := min(n, i+1000); i < end; i++ {
			keys, values = append(keys, keyAt(i)), append(values, padded("bulk:"+strconv.Itoa(i), size))
		}
		if err := d.m.bulk(keys, values); err != nil {
			return "", err
		}
	}
	return strconv.FormatInt(time.Since(began).Nanoseconds(), 10), nil
}

func (d *driver) prime(keys, size int) (string, error) {
	found := 0
	for i := range keys {
		if err := d.m.hold(keyAt(i), padded("held:"+strconv.Itoa(i), size)); err != nil {
			return "", err
		}
		_, ok, err := d.m.get(keyAt(i))
		if err != nil {
			return "", err
		}
		if ok {
			found++
		}
	}
	return strconv.Itoa(found), nil
}

func (d *driver) dump(keys int) (string, error) {
	var b strings.Builder
	for k := range keys {
		v, ok, err := d.m.get(keyAt(k))
		if err != nil {
			return "", err
		}
		b.WriteString(headOf(v, ok) + " ")
	}
	return b.String(), nil
}

// acked puts until the process is killed; the file has how many have returned.
func (d *driver) acked(file string, size int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	d.bg.Go(func() {
		defer f.Close()
		var b [8]byte
		for i := uint64(0); ; i++ {
			select {
			case <-d.stop:
				return
			default:
			}
			name := strconv.FormatUint(i, 10)
			if err := d.m.acked("ack"+name, padded("ack:"+name, size)); err != nil {
				fmt.Fprintln(os.Stderr, "acked:", err) // what is not acknowledged is not counted
				return
			}
			binary.BigEndian.PutUint64(b[:], i+1)
			if _, err := f.WriteAt(b[:], 0); err != nil {
				fmt.Fprintln(os.Stderr, "acked:", err)
				return
			}
		}
	})
	return nil
}

func (d *driver) survive(n int) (string, error) {
	missing := 0
	for i := range n {
		name := strconv.Itoa(i)
		v, ok, err := d.m.get("ack" + name)
		if err != nil {
			return "", err
		}
		if headOf(v, ok) != "ack:"+name {
			missing++
		}
	}
	return strconv.Itoa(missing), nil
}
