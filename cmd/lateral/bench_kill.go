// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"lateral/cache"
	"lateral/web"
)

// A recoveryRun is the way of a killed service back.
type recoveryRun struct {
	Elements int     `json:"elements"`         // put before and while it was away
	Noticed  float64 `json:"noticed_seconds"`  // from the kill until the writer has no link with it
	Complete float64 `json:"complete_seconds"` // from its new start until the mesh is complete
	Whole    float64 `json:"whole_seconds"`    // … until it held all of them; 0 if it did not
	Missing  int     `json:"missing"`          // of them, in the end
}

func (b *bench) recovery(ctx context.Context) error {
	c, writer := b.cluster, b.cluster.members[0]
	victim, peer := c.procs[len(c.procs)-1], c.members[len(c.members)-1]
	run := &recoveryRun{}
	put := func() error {
		err := c.put(ctx, writer, c.key("r", run.Elements), padded(strconv.Itoa(run.Elements), b.Size), cache.NoAcks)
		run.Elements++
		return err
	}
	for range b.Keys {
		if err := put(); err != nil {
			return err
		}
		if run.Elements%1000 == 0 {
			b.say("recovery: %d of %d put", run.Elements, b.Keys)
		}
	}
	b.say("recovery: %s is killed", victim.name())
	victim.kill()
	began := time.Now()
	_, ok := until(ctx, formTime, time.Millisecond, func() bool { return !linkedTo(ctx, writer, victim.service) })
	if !ok {
		return errors.Join(ctx.Err(), fmt.Errorf("%s still has a link with %s, which was killed %s ago", writer.Service, victim.service, took(time.Since(began))))
	}
	run.Noticed = time.Since(began).Seconds()
	for away := time.Now().Add(min(b.Duration/2, 2*time.Second)); time.Now().Before(away); time.Sleep(time.Second / time.Duration(b.Rate)) {
		if err := put(); err != nil {
			return err
		}
	}
	began = time.Now()
	if err := victim.start(); err != nil {
		return err
	}
	b.report.Recovery = run
	if err := c.complete(ctx); err != nil {
		return err
	}
	run.Complete = time.Since(began).Seconds()
	whole, _ := until(ctx, benchSetup, time.Millisecond, func() bool { return c.digest(ctx, peer) == c.digest(ctx, writer) })
	for i := range run.Elements { // the digest is the program's word; this is what a client sees
		ok, err := c.arrived(ctx, peer, c.key("r", i), padded(strconv.Itoa(i), b.Size))
		if err != nil {
			return err
		}
		if !ok {
			run.Missing++
		}
		if i%1000 == 0 {
			b.say("recovery: %d of %d elements compared", i, run.Elements)
		}
	}
	if run.Missing == 0 {
		run.Whole = run.Complete + whole.Seconds()
	}
	b.report.OK = b.report.OK && run.Missing == 0
	return nil
}

// digest is the fingerprint of what a service holds of the region.
func (b *benchCluster) digest(ctx context.Context, at *web.Client) string {
	st, err := at.Status(ctx)
	if err != nil {
		return err.Error()
	}
	for _, r := range st.Regions {
		if r.Region == b.region {
			return r.Digest
		}
	}
	return ""
}

// linkedTo reports whether a service has a link with another; also if it cannot be asked.
func linkedTo(ctx context.Context, at *web.Client, service string) bool {
	st, err := at.Status(ctx)
	if err != nil {
		return true
	}
	for _, e := range st.Endpoints {
		for _, l := range e.Links {
			if l.To.Service == service {
				return true
			}
		}
	}
	return false
}

// A failoverRun is what is left when the service that was written to is gone.
type failoverRun struct {
	Acks         string  `json:"acks"` // how many peers must hold a put before it returns
	Acknowledged int     `json:"acknowledged"`
	Lost         int     `json:"lost"`         // of these, on no survivor
	Rate         float64 `json:"per_second"`   // acknowledged before the kill
	Must         bool    `json:"must_be_none"` // with acks
}

func (b *bench) failover(ctx context.Context) error {
	for i, acks := range []cache.Acks{1, cache.NoAcks} {
		run, err := b.failOnce(ctx, "f"+strconv.Itoa(i)+"-", acks)
		if err != nil {
			return err
		}
		b.report.Failover = append(b.report.Failover, run)
		b.report.OK = b.report.OK && (run.Lost == 0 || !run.Must)
	}
	return nil
}

// failOnce writes to the first service, kills it while it is written to, looks
// for what it had acknowledged at the others, and starts it again.
func (b *bench) failOnce(ctx context.Context, kind string, acks cache.Acks) (run failoverRun, err error) {
	c, victim, writer := b.cluster, b.cluster.procs[0], b.cluster.members[0]
	run.Acks, run.Must = acks.String(), acks != cache.NoAcks
	done := make([]int, b.Writers) // by writer: how many were acknowledged, in turn
	began := time.Now()
	var wg sync.WaitGroup
	for w := range b.Writers {
		wg.Go(func() {
			// The first that fails ends it: that it was killed is what it fails for.
			for c.put(ctx, writer, c.key(kind+strconv.Itoa(w)+"-", done[w]), padded(strconv.Itoa(done[w]), b.Size), acks) == nil {
				done[w]++
			}
		})
	}
	half, cancel := context.WithTimeout(ctx, b.Duration/2)
	b.watch(half, func() { b.say("failover: writing with acks %s; %s is killed soon", run.Acks, victim.name()) })
	cancel()
	victim.kill()
	wg.Wait()
	took := time.Since(began)
	if ctx.Err() != nil {
		return run, ctx.Err()
	}
	for w, n := range done {
		run.Acknowledged += n
		for i := range n {
			ok, err := c.survives(ctx, c.key(kind+strconv.Itoa(w)+"-", i), padded(strconv.Itoa(i), b.Size))
			if err != nil {
				return run, err
			}
			if !ok {
				run.Lost++
			}
		}
	}
	run.Rate = float64(run.Acknowledged) / took.Seconds()
	if run.Acknowledged == 0 {
		return run, errors.New("not one put was acknowledged before the kill: nothing was measured; raise --duration")
	}
	if err := victim.start(); err != nil {
		return run, err
	}
	return run, c.complete(ctx)
}

// survives reports whether any other service holds the value.
func (b *benchCluster) survives(ctx context.Context, key, value string) (bool, error) {
	for _, m := range b.members[1:] {
		is, err := b.held(ctx, m, key)
		if is == value || err != nil {
			return is == value, err
		}
	}
	return false, nil
}
