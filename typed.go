// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"time"

	"lateral/cache"
	"lateral/jcs"
)

// A Region is a named cache of values of one type, on one node. It may be used
// by many goroutines at once.
//
// Keys have 1 to cache.MaxKey bytes (64 KiB), values at most cache.MaxValue
// (64 MiB); a key that ends in ":" stands for all that begin with it, and can
// only be removed. Errors are those of the codec, of the caller's own
// functions, of ctx, or wrap those of package cache. Nothing was done with
//
//   - ErrKey, ErrTooLarge, ErrTag: beyond the limits
//   - ErrClosed: the node was closed; ErrStopping: it hands its sessions over
//   - ErrObserved: the region belongs to a cluster that is only listened to
//   - ErrNotCurrent: no node that can be asked has what WithToken asks for
//
// and a write is done here and on its way to the others with
//
//   - ErrNotReplicated: fewer peers than wanted have acknowledged it
//   - ErrUnsettled: in a strict region somebody may still serve what it replaced
type Region[V any] struct {
	n     *Node
	b     *bound
	codec Codec[V]
	text  bool       // V is string and its bytes are itself
	java  *javaTypes // the codec, if it is Java
	base  time.Time
	ms    int64
}

// In returns a region of a node. One that no ccf file declares is made from
// jcs.default.
func In[V any](n *Node, name string, codec Codec[V]) (*Region[V], error) {
	b, err := n.regions.get(name)
	if err != nil {
		return nil, err
	}
	_, isText := any(codec).(text)
	java, _ := any(codec).(*javaTypes)
	return &Region[V]{n: n, b: b, codec: codec, text: isText, java: java, base: time.Now(), ms: n.now()}, nil
}

// SetMerge has concurrent writes to a key of a replicated region merged instead
// of the later one winning: merge is handed what this node wrote, which would
// win, and what it overwrites; the result is written as by Put. It must be fast,
// and set on all nodes alike. Values that the codec cannot read are not merged.
func (r *Region[V]) SetMerge(merge func(key string, ours, theirs V) V) {
	r.b.SetMerger(func(key string, ours, theirs cache.Element) (cache.Value, bool) {
		a, _, errA := r.value(ours)
		b, _, errB := r.value(theirs)
		if errA != nil || errB != nil {
			return cache.Value{}, false
		}
		v, err := r.encode(key, merge(key, a, b))
		return cache.Value{Bytes: v.Bytes, Form: v.Form}, err == nil
	})
}

// Get returns the value of a key. A hit in memory neither allocates nor locks
// out other readers; a miss asks the region's auxiliaries (see the package
// comment), as long as ctx lets it. An error says that they could not be
// asked, or that what is held does not decode.
func (r *Region[V]) Get(ctx context.Context, key string) (v V, ok bool, err error) {
	if r.b.digest != nil {
		if t, err := tokenOf(ctx, cache.Token{}); err != nil || !t.IsZero() {
			return r.getCurrent(ctx, key, t, err)
		}
	}
	e, ok := r.b.Get(r.now(), key)
	if !ok {
		if e, ok, err = r.n.regions.fetch(ctx, r.b, key); !ok || err != nil {
			return v, false, err
		}
	}
	return r.value(e)
}

func (r *Region[V]) getCurrent(ctx context.Context, key string, t cache.Token, err error) (v V, ok bool, _ error) {
	if err != nil {
		return v, false, err
	}
	e, ok, err := r.n.current(ctx, r.b, key, t)
	if !ok || err != nil {
		return v, false, err
	}
	return r.value(e)
}

// Touch notes an access to a key and reports whether it is there: what keeps a
// session with a longest idle time alive. A Get does so, too; neither is a
// write. Peers hear of it within an eighth of the idle time.
func (r *Region[V]) Touch(ctx context.Context, key string) (ok bool, err error) {
	if _, ok = r.b.Get(r.now(), key); !ok {
		_, ok, err = r.n.regions.fetch(ctx, r.b, key)
	}
	return ok, err
}

// Take removes a key everywhere and returns its value, to one caller at most:
// of several who take the same key at once, here or on other nodes, one is
// returned the value and the others nothing. It adopts a session.
//
// More than half of the nodes that hold the region have to agree within
// AckTimeout. If they cannot be reached, or do not answer in time, the error is
// cache.ErrNotReplicated and the value is not returned, though it may be
// removed: rather nobody has it than two. So it is, too, where values do not
// travel but removals do, as nodes cannot agree there.
func (r *Region[V]) Take(ctx context.Context, key string) (v V, ok bool, err error) {
	if r.n.closed.Load() {
		return v, false, cache.ErrClosed
	}
	e, ok, err := r.n.take(ctx, r.b, cache.Command{Op: cache.Take, Key: key})
	if !ok || err != nil {
		return v, false, err
	}
	return r.value(e)
}

// now is monotonic time, which is read at half the price of the wall clock:
// expiry is not about the wall.
func (r *Region[V]) now() int64 { return r.ms + time.Since(r.base).Milliseconds() }

func (r *Region[V]) value(e cache.Element) (v V, ok bool, err error) {
	if r.text {
		*any(&v).(*string) = e.Value.Bytes
		if e.Value.Form == cache.FormJava {
			*any(&v).(*string) = javaText(e.Value)
		}
		return v, true, nil
	}
	if held, ok := e.Value.Held.(V); ok {
		return held, true, nil
	}
	if r.java != nil {
		*any(&v).(*any), err = r.java.read(e.Value)
	} else {
		v, err = r.codec.Decode(e.Value.Bytes)
	}
	if err != nil {
		return v, false, fmt.Errorf("region %s, key %q: the bytes held do not decode: %w", r.b.Name(), e.Key, err)
	}
	return v, true, nil
}

// Put stores a value. Peers hear of it as the region's settings say. In a
// region with Acks it returns when as many peers hold the value; if they do
// not within AckTimeout the error is cache.ErrNotReplicated, and the value is
// stored here and still on its way.
func (r *Region[V]) Put(ctx context.Context, key string, v V) error {
	return r.write(ctx, cache.Put, key, v, cache.RegionAcks)
}

// PutAcks is Put with acknowledgements of its own: by a number of peers, by all
// that are linked (cache.AllAcks) or by none (cache.NoAcks). A value that K
// peers have acknowledged survives the loss of any K nodes.
func (r *Region[V]) PutAcks(ctx context.Context, key string, v V, acks cache.Acks) error {
	return r.write(ctx, cache.Put, key, v, acks)
}

// PutTagged is Put of a value with tags: RemoveTag of any of them removes it.
// The tags are those of this value: what is put later under the key has its
// own, or none. There are at most cache.MaxTags, of cache.MaxTag bytes each;
// errors about them wrap cache.ErrTag.
func (r *Region[V]) PutTagged(ctx context.Context, key string, v V, tags ...string) error {
	joined, err := cache.JoinTags(tags...)
	if err != nil {
		return fmt.Errorf("region %s, key %q: %w", r.b.Name(), key, err)
	}
	val, err := r.encode(key, v)
	if err != nil {
		return err
	}
	a := *r.b.attr
	a.Tags = joined
	return r.apply(ctx, cache.Command{Op: cache.Put, Key: key, Value: val, Attr: &a})
}

// Replace stores a value that the application has changed at its source: where
// values do not travel, peers drop what they hold of it. (The command is
// cache.Update.) Of two callers who change a key at once, the one who changed
// it first may be the last to say so, and keep the older value: Update, which
// keeps neither, has no such race.
func (r *Region[V]) Replace(ctx context.Context, key string, v V) error {
	return r.write(ctx, cache.Update, key, v, cache.RegionAcks)
}

func (r *Region[V]) write(ctx context.Context, op cache.Op, key string, v V, acks cache.Acks) error {
	val, err := r.encode(key, v)
	if err != nil {
		return err
	}
	return r.apply(ctx, cache.Command{Op: op, Key: key, Value: val, Acks: acks})
}

func (r *Region[V]) encode(key string, v V) (cache.Value, error) {
	if r.text {
		return cache.Value{Bytes: *any(&v).(*string)}, nil
	}
	if r.java != nil {
		val, err := jcs.Make(v)
		if err != nil {
			return val, fmt.Errorf("region %s, key %q: encode: %w", r.b.Name(), key, err)
		}
		return val, nil
	}
	b, err := r.codec.Append(nil, v)
	if err != nil {
		return cache.Value{}, fmt.Errorf("region %s, key %q: encode: %w", r.b.Name(), key, err)
	}
	return cache.Value{Bytes: string(b), Held: v}, nil
}

// apply carries out a write and waits for the acknowledgements it is to have.
func (r *Region[V]) apply(ctx context.Context, c cache.Command) error {
	_, err := r.applied(ctx, c)
	return err
}

// applied is apply with what the region replied, also if it waited in vain.
func (r *Region[V]) applied(ctx context.Context, c cache.Command) (cache.Reply, error) {
	if r.n.closed.Load() {
		return cache.Reply{}, cache.ErrClosed
	}
	if err := r.b.refuses(&c); err != nil {
		return cache.Reply{}, err
	}
	rep, err := r.b.Apply(r.n.now(), c)
	if err != nil {
		return rep, err
	}
	return rep, r.n.await(ctx, r.b, c.Op, c.Acks)
}

// Remove drops a key here and at the peers; one that ends in ":" drops every
// key that starts with it. A key that is not there is no error: peers are told
// of it all the same. In a region with Acks it waits as Put does.
func (r *Region[V]) Remove(ctx context.Context, key string) error {
	return r.apply(ctx, cache.Command{Op: cache.Remove, Key: key})
}

// RemoveTag drops every element that has a tag, here and at the peers, and
// returns how many were held here.
func (r *Region[V]) RemoveTag(ctx context.Context, tag string) (n int, err error) {
	rep, err := r.applied(ctx, cache.Command{Op: cache.RemoveTag, Key: tag})
	return rep.Count, err
}

// Clear drops every key here and at the peers.
func (r *Region[V]) Clear(ctx context.Context) error {
	return r.apply(ctx, cache.Command{Op: cache.RemoveAll})
}

// Name returns the region's name.
func (r *Region[V]) Name() string { return r.b.Name() }
