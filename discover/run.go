// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	lookEvery = time.Second // for members that expire and interfaces that came up

	// Goodbyes: three, as any may be lost, apart, as losses come in bursts.
	withdraws   = 3
	withdrawGap = 10 * time.Millisecond

	readPause = 100 * time.Millisecond // after a read that failed
)

var errConnClosed = errors.New("discover: the datagram socket was closed: announcements are neither heard nor sent")

func (d *Discoverer) run(ctx context.Context) error {
	conn := d.cfg.Conn
	if conn != nil {
		defer conn.Close()
	}
	if err := d.check(); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var ears, others sync.WaitGroup
	if conn != nil {
		ears.Go(func() {
			if err := d.listen(ctx); err != nil {
				stop(err)
			}
		})
		others.Go(func() { d.speak(ctx) })
	}
	if len(d.cfg.DNS) > 0 {
		others.Go(func() { d.resolve(ctx) })
	}
	others.Go(func() { d.watch(ctx) })

	<-ctx.Done()
	others.Wait() // no announcement after the goodbye
	if conn != nil {
		d.goodbye()
		conn.Close()
		ears.Wait()
	}
	if err := context.Cause(ctx); errors.Is(err, errConnClosed) {
		return err
	}
	return nil
}

// check reports what would make Run useless.
func (d *Discoverer) check() error {
	s := d.cfg.Self
	if s.ID == 0 {
		return errors.New("discover: this endpoint has no id")
	}
	if s.Port < 0 || s.Port > 65535 || s.Receive && s.Port == 0 {
		return fmt.Errorf("discover: TCP port %d can't be announced", s.Port)
	}
	if s.AdvertiseHost != "" && !validHost(s.AdvertiseHost) {
		return fmt.Errorf("discover: nobody could dial %q, which is to be advertised", s.AdvertiseHost)
	}
	if _, err := d.packet(Announce, 1).Append(nil, nil); err != nil {
		return err
	}
	for _, a := range d.cfg.Static {
		if !validAddr(a) {
			return fmt.Errorf("discover: static member %q is not HOST:PORT, so nobody could be found there", a)
		}
	}
	for _, n := range d.cfg.DNS {
		if !isSRV(n) && !validAddr(n) {
			return fmt.Errorf("discover: DNS name %q is neither NAME:PORT nor _SERVICE._tcp.DOMAIN", n)
		}
	}
	return nil
}

func (d *Discoverer) packet(k Kind, seq uint32) Packet {
	s := d.cfg.Self
	return Packet{
		Kind: k, Seq: seq, Receive: s.Receive, Port: uint16(s.Port), ID: s.ID, Node: s.Node, PID: uint32(s.PID),
		Cluster: s.Cluster, Advertise: s.AdvertiseHost, Host: s.Host, Service: s.Service, Endpoint: s.Endpoint,
	}
}

// listen reads packets until Conn is closed.
func (d *Discoverer) listen(ctx context.Context) error {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := d.cfg.Conn.Read(buf)
		switch {
		case err == nil:
			d.take(from, buf[:n])
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return errConnClosed
		default:
			d.complain("datagrams can't be read", "err", err)
			pause(ctx, readPause)
		}
	}
}

// speak sends what the pace says, when it says so.
func (d *Discoverer) speak(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	d.mu.Lock()
	d.pace.restart(time.Now())
	d.ask = d.ask || d.cfg.Observe
	d.mu.Unlock()
	seen := d.look()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-look.C:
			if s := d.look(); !slices.Equal(s, seen) {
				// An interface came or went: who is there, on what is left?
				seen = s
				d.mu.Lock()
				d.ask = true
				d.pace.restart(time.Now())
				d.mu.Unlock()
			}
		case <-timer.C:
			d.sayIfDue()
		}
		d.mu.Lock()
		due := d.pace.due()
		d.mu.Unlock()
		timer.Reset(time.Until(due))
	}
}

// look returns which interfaces are ready, and tells the table whether all
// of them are loopback.
func (d *Discoverer) look() (ready []string) {
	only := true
	for _, s := range d.cfg.Conn.Status() {
		if s.Ready() {
			ready = append(ready, s.Interface+" "+s.Addr.String())
			only = only && s.Loopback
		}
	}
	d.mu.Lock()
	d.table.loopback = only && len(ready) > 0
	d.mu.Unlock()
	return ready
}

// sayIfDue sends an announcement, or asks: the latter while nobody is known
// (who observes asks once, as JCS does), and once after the interfaces changed. Who receives nothing only asks.
func (d *Discoverer) sayIfDue() {
	d.mu.Lock()
	now := time.Now()
	if now.Before(d.pace.due()) {
		d.mu.Unlock()
		return
	}
	d.pace.sent(now, d.rand.Float64())
	kind := Announce
	if d.ask || d.table.lonely() && !d.cfg.Observe {
		kind = Solicit
	}
	d.ask = false
	d.said = d.said || d.cfg.Self.Receive
	d.mu.Unlock()
	if kind == Solicit || d.cfg.Self.Receive {
		d.send(kind)
	}
}

func (d *Discoverer) send(k Kind) {
	var front, alone [][]byte
	if d.cfg.Also != nil {
		front, alone = d.cfg.Also(k)
	}
	if len(front) == 0 && !d.cfg.Observe {
		front = [][]byte{nil}
	}
	var errs []error
	for _, jcs := range front {
		d.mu.Lock()
		d.seq++
		p := d.packet(k, d.seq)
		d.mu.Unlock()
		b, err := jcs, error(nil)
		if !d.cfg.Observe {
			b, err = d.encode(p, jcs)
		}
		if err == nil {
			err = d.cfg.Conn.Send(b)
		}
		errs = append(errs, err)
	}
	for _, b := range alone {
		errs = append(errs, d.cfg.Conn.Send(b))
	}
	err := errors.Join(errs...)
	d.mu.Lock()
	d.table.counts.Sent += uint64(len(errs))
	if err != nil {
		d.table.counts.Failed++
	}
	d.mu.Unlock()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		d.complain("can't "+k.String()+" on every interface", "err", err)
	}
}

// goodbye withdraws once, if there is anything to withdraw.
func (d *Discoverer) goodbye() {
	d.mu.Lock()
	said := d.said
	d.said = false
	d.mu.Unlock()
	for i := range withdraws {
		if !said {
			return
		}
		if i > 0 {
			<-time.After(withdrawGap)
		}
		d.send(Withdraw)
	}
}

// watch forgets who has been silent for too long.
func (d *Discoverer) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.do(d.table.expire)
		}
	}
}

func pause(ctx context.Context, t time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(t):
	}
}
