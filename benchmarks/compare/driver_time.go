// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The questions whose answers are times; see protocol.go.

// seed puts at a steady rate: a burst is too much for some.
func (d *driver) seed(n, size, rate int) (string, error) {
	next := time.Now()
	for i := range n {
		next = next.Add(time.Second / time.Duration(rate))
		time.Sleep(time.Until(next))
		if err := d.m.put("hot"+strconv.Itoa(i), padded("old:0", size)); err != nil {
			return "", err
		}
	}
	return "ok", nil
}

func (d *driver) ready(n int, most time.Duration) (string, error) {
	end, found := time.Now().Add(most), 0
	for i := range n {
		key := "hot" + strconv.Itoa(i)
		if err := d.m.hold(key, "old:0 "); err != nil {
			return "", err
		}
		_, ok, err := d.m.get(key)
		for !ok && err == nil && time.Now().Before(end) {
			time.Sleep(200 * time.Microsecond)
			_, ok, err = d.m.get(key)
		}
		if err != nil {
			return "", err
		}
		if ok {
			found++
		}
	}
	return strconv.Itoa(found), nil
}

func (d *driver) paced(rate, n, size int) (string, error) {
	var b strings.Builder
	next := time.Now()
	for i := range n {
		next = next.Add(time.Second / time.Duration(rate))
		time.Sleep(time.Until(next))
		value := padded("new:"+strconv.Itoa(i), size)
		began := time.Now().UnixNano()
		if err := d.m.put("hot"+strconv.Itoa(i), value); err != nil {
			return "", err
		}
		fmt.Fprint(&b, began, " ", time.Now().UnixNano(), " ")
	}
	return b.String(), nil
}

func (d *driver) poll(n int, most time.Duration, drops bool) (string, error) {
	var b strings.Builder
	end := time.Now().Add(most)
	for i := range n {
		key, stale := "hot"+strconv.Itoa(i), int64(0)
		giveUp := time.Now().Add(5 * time.Second)
		asked := time.Now().UnixNano()
		v, ok, err := d.m.get(key)
		for err == nil && old(v, ok, drops) && time.Now().Before(giveUp) && time.Now().Before(end) {
			stale = asked
			time.Sleep(20 * time.Microsecond)
			asked = time.Now().UnixNano()
			v, ok, err = d.m.get(key)
		}
		if err != nil {
			return "", err
		}
		seen := time.Now().UnixNano()
		if old(v, ok, drops) {
			seen = -1
		}
		fmt.Fprint(&b, stale, " ", seen, " ")
	}
	return b.String(), nil
}

// old reports whether a value is not the new one; none is as good where puts drop.
func old(v string, ok, drops bool) bool {
	if !ok {
		return !drops
	}
	return strings.HasPrefix(v, "old:")
}

func (d *driver) gets(readers, keys int, most time.Duration) (string, error) {
	names := make([]string, keys)
	for i := range names {
		names[i] = keyAt(i)
	}
	var done, missed atomic.Int64
	began := time.Now()
	end := began.Add(most)
	err := threads(readers, func(t int) error {
		n, lost, err := d.read(names, end, t)
		done.Add(n)
		missed.Add(lost)
		return err
	})
	return fmt.Sprint(done.Load(), " ", time.Since(began).Nanoseconds(), " ", missed.Load()), err
}

func (d *driver) read(names []string, end time.Time, me int) (n, lost int64, err error) {
	x := uint32(0x9E3779B9 + me)
	for time.Now().Before(end) {
		for range 100 {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			_, ok, err := d.m.get(names[int(x>>1)%len(names)])
			if err != nil {
				return n, lost, err
			}
			if !ok {
				lost++
			}
		}
		n += 100
	}
	return n, lost, nil
}

func (d *driver) write(run string, keys, rate int, most time.Duration, size, every, from int) string {
	d.last = make([]int, keys)
	for k := range d.last {
		d.last[k] = -1
	}
	x := uint32(0x9E3779B9)
	for _, c := range run {
		x = 31*x + uint32(c)
	}
	var puts, errors int
	var longest time.Duration
	end := time.Now().Add(most)
	for i := 0; time.Now().Before(end); i++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		k := int(x>>1)%(keys/every)*every + from
		at := time.Now()
		if err := d.m.put(keyAt(k), padded(run+":"+strconv.Itoa(i), size)); err != nil {
			errors++
		} else {
			d.last[k] = i
			puts++
		}
		longest = max(longest, time.Since(at))
		time.Sleep(time.Second / time.Duration(rate))
	}
	return fmt.Sprint(puts, errors, longest.Nanoseconds())
}
