// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"lateral/cache"
	"lateral/mesh"
)

// drain hands the sessions over before the node leaves: new writes are refused
// by now, and what the node holds is compared with its peers until as many as Acks says
// have it, for DrainTimeout at most. It returns what has not been handed over.
func (n *Node) drain() error {
	out := make([]error, len(n.endpoints))
	var all sync.WaitGroup
	for i, e := range n.endpoints {
		if shares := e.sessions(); len(shares) > 0 {
			all.Go(func() { out[i] = e.handOver(shares) })
		}
	}
	all.Wait()
	return errors.Join(out...)
}

// sessions are the endpoint's regions of sessions that are not empty.
func (e *endpoint) sessions() (out []mesh.Share) {
	for _, b := range e.n.regions.all() {
		if st := b.Status(); b.session && slices.Contains(b.aux, e.name) && st.Elements+st.Tombstones > 0 {
			out = append(out, mesh.Share{Region: b.Name(), Want: b.acks})
		}
	}
	return out
}

func (e *endpoint) handOver(shares []mesh.Share) error {
	ctx, cancel := context.WithTimeout(e.n.life, e.c.DrainTimeout)
	defer cancel()
	var errs []error
	for _, s := range e.mesh.Handover(ctx, shares) {
		b, err := e.n.regions.get(s.Region)
		if err != nil {
			continue
		}
		err = fmt.Errorf("%w: region %s, with %d elements, is held by %d peers where Acks=%s: %d changes of this node have not been acknowledged by as many",
			cache.ErrNotReplicated, s.Region, b.Status().Elements, s.Held, s.Want, s.Changes)
		e.n.log.Error("sessions were not handed over", "endpoint", e.name, "region", s.Region, "elements", b.Status().Elements,
			"held_by", s.Held, "acks", s.Want.String(), "unacknowledged", s.Changes)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// refuses returns the error of a write to a region that is only observed, and of
// one that comes when the sessions are being handed over: another node is to
// take it.
func (b *bound) refuses(c *cache.Command) error {
	if err := b.unobserved(c.Op); err != nil {
		return err
	}
	if !b.session || c.Origin != cache.Application || !b.n.stopping.Load() {
		return nil
	}
	switch c.Op {
	case cache.Get, cache.Touch, cache.Keys, cache.GetMatching:
		return nil
	}
	return fmt.Errorf("%w: %s in region %s", cache.ErrStopping, c.Op, b.Name())
}
