// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Wire says what a bad cable does with each frame, in both directions. It is
// for kernels without netem: frames go through this process.
type Wire struct {
	Delay  time.Duration
	Jitter time.Duration // added, up to this, to each frame by itself: frames overtake each other
	Lose   int           // percent
	Twice  int           // percent that come twice
}

// maxOnWire is how many frames one direction holds; more are lost, as in a
// switch.
const maxOnWire = 4096

// Wire puts a bad cable between the host and the bridge until Heal.
func (h *Host) Wire(w Wire) {
	h.lab.t.Helper()
	if err := h.lab.bridge.doErr(func() (err error) {
		h.wire, err = h.openWire(w)
		return err
	}); err != nil {
		h.lab.t.Fatalf("%s: wire: %v", h.Name, err)
	}
}

// A wire is a second bridge, with the host's port, and a tap on each of the
// two bridges; what comes out of one tap goes into the other. Bridges, so that
// the kernel fills in what checksums it has left to the hardware.
type wire struct {
	host  *Host
	taps  [2]*os.File
	loops sync.WaitGroup
	stop  chan struct{}
}

func (h *Host) openWire(w Wire) (_ *wire, err error) {
	if h.wire != nil {
		return nil, errors.New("there is one already")
	}
	x := &wire{host: h, stop: make(chan struct{})}
	side := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("side%d", h.n)}, MulticastSnooping: new(bool)}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close())
		}
	}()
	if err := netlink.LinkAdd(side); err != nil {
		return nil, err
	}
	for i, bridge := range []string{"br0", side.Name} {
		name := fmt.Sprintf("tap%d.%d", i, h.n)
		if x.taps[i], err = openTap(name); err != nil {
			return nil, err
		}
		if err := plugInto(name, bridge); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(netlink.LinkSetUp(side), plugInto(h.port(), side.Name)); err != nil {
		return nil, err
	}
	x.loops.Go(func() { x.carry(w, x.taps[0], x.taps[1]) })
	x.loops.Go(func() { x.carry(w, x.taps[1], x.taps[0]) })
	return x, nil
}

// openTap makes a tap in the namespace of this thread; it goes with the file.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tap %s: %w", name, err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil // polled, as it does not block and is a tap by now
}

// plugInto makes an interface a port of a bridge, and sets it up.
func plugInto(port, bridge string) error {
	l, err := netlink.LinkByName(port)
	if err != nil {
		return err
	}
	b, err := netlink.LinkByName(bridge)
	if err != nil {
		return err
	}
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+port+"/disable_ipv6", []byte("1"), 0)
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+bridge+"/disable_ipv6", []byte("1"), 0)
	return errors.Join(netlink.LinkSetMaster(l, b), netlink.LinkSetUp(l))
}

// close makes the host a port of the lab's bridge again.
func (x *wire) close() error {
	errs := []error{plugInto(x.host.port(), "br0")}
	close(x.stop)
	for _, f := range x.taps {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	x.loops.Wait()
	if l, err := netlink.LinkByName(fmt.Sprintf("side%d", x.host.n)); err == nil {
		errs = append(errs, netlink.LinkDel(l))
	}
	return errors.Join(errs...)
}

// carry takes frames from one tap to the other, each at its time.
func (x *wire) carry(w Wire, from, to *os.File) {
	frames := make(chan []byte)
	x.loops.Go(func() {
		defer close(frames)
		buf := make([]byte, maxFrame)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return // closed
			}
			select {
			case frames <- append([]byte(nil), buf[:n]...):
			case <-x.stop:
				return
			}
		}
	})
	var way onWay
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case f, ok := <-frames:
			if !ok {
				return
			}
			way.take(w, f, time.Now())
		case <-timer.C:
		}
		for len(way) > 0 && !time.Now().Before(way[0].at) {
			// What a tap does not take is lost, as by any cable.
			_, _ = to.Write(heap.Pop(&way).(due).frame)
		}
		if len(way) > 0 {
			timer.Reset(time.Until(way[0].at))
		}
	}
}

// take puts a frame on its way, or loses it.
func (o *onWay) take(w Wire, f []byte, now time.Time) {
	times := 1
	switch p := rand.IntN(100); {
	case p < w.Lose || len(*o) >= maxOnWire:
		return
	case p < w.Lose+w.Twice:
		times = 2
	}
	for range times {
		at := now.Add(w.Delay)
		if w.Jitter > 0 {
			at = at.Add(rand.N(w.Jitter))
		}
		heap.Push(o, due{at, f})
	}
}

// onWay are frames by when they arrive.
type onWay []due

type due struct {
	at    time.Time
	frame []byte
}

func (o onWay) Len() int           { return len(o) }
func (o onWay) Less(i, j int) bool { return o[i].at.Before(o[j].at) }
func (o onWay) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *onWay) Push(x any)        { *o = append(*o, x.(due)) }
func (o *onWay) Pop() any {
	last := len(*o) - 1
	x := (*o)[last]
	*o = (*o)[:last]
	return x
}
