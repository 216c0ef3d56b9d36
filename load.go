// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"lateral/cache"
	"lateral/region"
)

// GetOrLoad returns the value of a key, from memory, else from the region's
// auxiliaries, else from load, whose value is kept in memory.
//
// One loader per key runs on this node; all who ask for the key meanwhile wait
// for it. A caller whose ctx ends leaves; the context of the load has the
// values of that of the first caller and ends when nobody waits any longer. An
// error of load is returned to all and kept nowhere. If load panics, the
// caller who handed it in panics with a *PanicError, which the others are
// returned. Close does not wait for a load that ignores its context.
//
// A value read before an invalidation is never kept after it: if the key is
// removed, updated or put meanwhile, here or by a peer whose change has
// arrived, the value is returned and not kept (Stats.RejectedFills). Who asks
// after such a change gets a load that began after it.
//
// A load is no write. In a replicated region the value stays on this node, and
// gives way to what a peer writes; Put is what peers hear of.
func (r *Region[V]) GetOrLoad(ctx context.Context, key string, load func(ctx context.Context) (V, error)) (V, error) {
	return r.GetOrLoadVersion(ctx, key, func(ctx context.Context) (V, uint64, error) {
		v, err := load(ctx)
		return v, 0, err
	})
}

// GetOrLoadVersion is GetOrLoad for sources whose replicas lag behind: load
// returns with the value its version there, a number that grows with every
// change of the key; 0 is none. A value older than a version that is known, by
// UpdateVersion, RemoveVersion or another load, is returned and not kept.
//
// Known are the versions of at least the last 65,536 keys that one came for,
// each for a day at least. Of a key beyond that, a value from a lagging replica
// may be kept again, until it is next removed or over its lifetime.
func (r *Region[V]) GetOrLoadVersion(ctx context.Context, key string, load func(ctx context.Context) (v V, version uint64, err error)) (v V, err error) {
	e, ok := r.b.Get(r.now(), key)
	if !ok {
		e, err = r.n.regions.load(ctx, r.b, key, func(ctx context.Context) (val cache.Value, version uint64, err error) {
			v, version, err := load(ctx)
			if err == nil {
				val, err = r.encode(key, v)
			}
			return val, version, err
		})
		if err != nil {
			return v, err
		}
	}
	v, _, err = r.value(e)
	return v, err
}

// ErrOutcomeUnknown is for functions handed to Update to wrap: the change may
// have been made or not.
var ErrOutcomeUnknown = errors.New("outcome unknown")

// Update changes a key at its source and then invalidates it, in that order:
// fn commits the change, and when it has returned the key is removed here and
// at the peers, as by Remove. The other order would let a value from before
// the change be loaded again in between.
//
// An error of fn means that nothing was changed, and nothing is invalidated;
// except where that is not known: fn panics, or its error wraps
// ErrOutcomeUnknown, an end of a context, a failure of the network or the
// unexpected end of a stream. Then the key is invalidated, which costs a load
// at most. A ctx that ends after fn does not stop the invalidation.
func (r *Region[V]) Update(ctx context.Context, key string, fn func(ctx context.Context) error) error {
	return r.UpdateVersion(ctx, key, func(ctx context.Context) (uint64, error) { return 0, fn(ctx) })
}

// UpdateVersion is Update where fn returns the version that the key now has at
// its source (see GetOrLoadVersion and RemoveVersion).
func (r *Region[V]) UpdateVersion(ctx context.Context, key string, fn func(ctx context.Context) (version uint64, err error)) (err error) {
	c := cache.Command{Op: cache.Remove, Key: key}
	if err := r.b.Check(c); err != nil { // not after it is committed
		return err
	}
	if r.n.closed.Load() {
		return cache.ErrClosed
	}
	if err := r.b.refuses(&c); err != nil {
		return err
	}
	if r.b.strict != nil {
		release, err := r.b.hold(ctx, key)
		if err != nil {
			return fmt.Errorf("region %s, key %q: %w", r.b.Name(), key, err)
		}
		defer release()
	}
	invalidate := true
	defer func() {
		if !invalidate {
			return
		}
		if rerr := r.invalidate(context.WithoutCancel(ctx), c); rerr != nil {
			err = errors.Join(err, fmt.Errorf("region %s, key %q: its source was changed, but %w", r.b.Name(), key, rerr))
		}
	}()
	version, err := fn(ctx)
	if err == nil && version != 0 && !cache.IsPrefix(key) {
		c.Value = region.VersionValue(version)
	}
	invalidate = err == nil || outcomeUnknown(err)
	return err
}

// invalidate is the second half of Update. In a strict region the key is held:
// nobody serves it, so nothing is left to wait for.
func (r *Region[V]) invalidate(ctx context.Context, c cache.Command) error {
	if r.b.strict == nil || r.n.closed.Load() {
		return r.apply(ctx, c)
	}
	_, err := r.b.Apply(r.n.now(), c)
	return err
}

func outcomeUnknown(err error) bool {
	var ne net.Error
	for _, e := range []error{ErrOutcomeUnknown, context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.As(err, &ne)
}

// RemoveVersion is Remove after a change at the source that gave the key this
// version: whatever is held goes, here and at the peers, and a value that
// GetOrLoadVersion brings with an older version is not kept, even if it is
// loaded afterwards, from a replica that lags behind. For how long, see there.
// A key that stands for many has no version: it is an error.
func (r *Region[V]) RemoveVersion(ctx context.Context, key string, version uint64) error {
	if cache.IsPrefix(key) {
		return fmt.Errorf("region %s: %w %q: it stands for many keys, which have no common version", r.b.Name(), cache.ErrKey, key)
	}
	return r.apply(ctx, cache.Command{Op: cache.Remove, Key: key, Value: region.VersionValue(version)})
}

// load takes a miss to the auxiliaries and then to the source.
func (rs *regions) load(ctx context.Context, b *bound, key string, from func(context.Context) (cache.Value, uint64, error)) (cache.Element, error) {
	if rs.n.closed.Load() {
		return cache.Element{}, cache.ErrClosed
	}
	k := b.flightKey(key, true)
	t := k.t
	e, _, err := b.flights.join(ctx, rs.n.done, k, b.peek(key), func(ctx context.Context) (cache.Element, bool, error) {
		// A peer that does not answer is no reason not to ask the source.
		if e, ok, _ := b.ask(ctx, key, t); ok {
			return e, true, nil
		}
		c := cache.Command{Key: key}
		if b.offers() {
			c.Origin, c.Stamp = cache.FromRemote, rs.n.loadStamp()
		}
		val, version, err := from(ctx)
		if err != nil {
			return cache.Element{}, false, err
		}
		c.Value = val
		kept, err := b.fill(c, version, t)
		e := cache.Element{Key: key, Value: val, Attr: b.attr, Stamp: c.Stamp, Accessed: c.Stamp.UnixMilli()}
		if kept && version == 0 && !c.Stamp.IsZero() {
			b.offer(e)
		}
		return e, err == nil, err
	})
	return e, err
}

// fetch takes a miss to the auxiliaries only.
func (rs *regions) fetch(ctx context.Context, b *bound, key string) (cache.Element, bool, error) {
	if !b.Asks() || b.removed(key) {
		return cache.Element{}, false, nil
	}
	k := b.flightKey(key, false)
	return b.flights.join(ctx, rs.n.done, k, b.peek(key), func(ctx context.Context) (cache.Element, bool, error) {
		return b.ask(ctx, key, k.t)
	})
}

// peek looks whether a flight that has just ended has left the key in memory.
func (b *bound) peek(key string) func() (cache.Element, bool) {
	return func() (cache.Element, bool) {
		if b.strict == nil {
			if b.bypass() {
				return cache.Element{}, false
			}
			return b.Peek(b.n.now(), key)
		}
		l := b.strict.take()
		e, ok := b.Peek(b.n.now(), key)
		return e, ok && b.strict.good(l)
	}
}

// ask asks the auxiliaries in order, and keeps what is found. Peers that may
// have missed a removal are not asked, nor may this node's memory be: then it
// is the remote tiers alone.
func (b *bound) ask(ctx context.Context, key string, t region.Ticket) (cache.Element, bool, error) {
	if !b.Asks() {
		return cache.Element{}, false, nil
	}
	if b.bypass() {
		return b.askTiers(ctx, key)
	}
	e, from, ok, err := b.Fetch(ctx, key)
	if ok && from == cache.FromDisk && b.bypass() { // what it holds is as old as memory
		return cache.Element{}, false, nil
	}
	if ok {
		b.NoteAuxHit()
		_, err = b.fill(cache.Command{Origin: from, Key: e.Key, Value: e.Value, Attr: e.Attr, Stamp: e.Stamp, Accessed: e.Accessed}, 0, t)
		e, ok = b.settle(e)
	}
	return e, ok, err
}

// fill keeps what was loaded, where memory may be looked at now.
func (b *bound) fill(c cache.Command, version uint64, t region.Ticket) (kept bool, err error) {
	if b.bypass() || b.observed != "" {
		return false, nil
	}
	return b.Fill(b.n.now(), c, version, t)
}
