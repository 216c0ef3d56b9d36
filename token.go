// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lateral/cache"
)

// A token names a write, for reads elsewhere that are to see it: a session
// whose next request goes to another node reads what it wrote (Terry et al.,
// PDIS 1994). docs/coherence.md, "Sessions", says what that promises.

type tokenKey struct{}

type tokenSaid struct {
	cache.Token
	err error
}

// WithToken returns a context for reads that are to see a write, named by the
// token that PutToken or RemoveToken returned, of the same key. A node whose
// copy is older asks its peers before it answers; if none has what is asked
// for the error is cache.ErrNotCurrent. A text that is no token makes the
// reads fail with cache.ErrToken; "" asks for nothing.
func WithToken(ctx context.Context, token string) context.Context {
	t, err := cache.ParseToken(token)
	return context.WithValue(ctx, tokenKey{}, &tokenSaid{t, err})
}

// tokenOf returns what a read is to see, the zero token if nothing.
func tokenOf(ctx context.Context, own cache.Token) (cache.Token, error) {
	if !own.IsZero() {
		return own, nil
	}
	if said, ok := ctx.Value(tokenKey{}).(*tokenSaid); ok {
		return said.Token, said.err
	}
	return cache.Token{}, nil
}

// PutToken is Put, and returns a token for reads elsewhere that are to see the
// value (WithToken). With ErrNotReplicated there is one, too: the value is
// stored here.
func (r *Region[V]) PutToken(ctx context.Context, key string, v V) (token string, err error) {
	val, err := r.encode(key, v)
	if err != nil {
		return "", err
	}
	rep, err := r.applied(ctx, cache.Command{Op: cache.Put, Key: key, Value: val})
	return cache.Token{Stamp: rep.Stamp}.String(), err
}

// RemoveToken is Remove, and returns a token for reads elsewhere that are to
// see the removal: a session that is logged out is so at once, wherever the
// next request goes.
func (r *Region[V]) RemoveToken(ctx context.Context, key string) (token string, err error) {
	rep, err := r.applied(ctx, cache.Command{Op: cache.Remove, Key: key})
	return cache.Token{Stamp: rep.Stamp, Removed: true}.String(), err
}

func (n *Node) doCurrent(ctx context.Context, b *bound, key string, t cache.Token, err error) (cache.Reply, error) {
	if err != nil {
		return cache.Reply{}, err
	}
	e, found, err := n.current(ctx, b, key, t)
	return cache.Reply{Found: found, Element: e}, err
}

// current is a get that is to see the write of a token, or a newer one. Where
// values do not travel there is no version in common, so it sees what is there.
func (n *Node) current(ctx context.Context, b *bound, key string, t cache.Token) (cache.Element, bool, error) {
	if e, ok := b.Get(n.now(), key); ok && e.Stamp.Compare(t.Stamp) >= 0 {
		return e, true, nil
	}
	newest, known := b.Common(n.now(), key)
	silent := 0
	if newest.Stamp.Compare(t.Stamp) < 0 {
		for _, e := range n.endpoints {
			if !slices.Contains(b.aux, e.name) {
				continue
			}
			theirs, ok, quiet := e.mesh.Newest(ctx, b.Name(), key)
			silent += quiet
			if ok && theirs.Stamp.Compare(newest.Stamp) > 0 {
				newest, known = theirs, true
			}
		}
		if known && newest.State == cache.Live {
			b.keep(&newest)
		}
	}
	switch {
	case newest.Stamp.Compare(t.Stamp) >= 0 && newest.State == cache.Live:
		return newest, true, nil
	case newest.Stamp.Compare(t.Stamp) >= 0, !known && silent == 0 && (t.Removed || b.outlived(t)),
		!known && b.Everywhere(t.Stamp): // so it was removed since, and that is forgotten by now
		return cache.Element{}, false, nil
	}
	have := "nothing"
	if known {
		have = "something older, of " + newest.Stamp.String()
	}
	return cache.Element{}, false, fmt.Errorf("%w: region %s, key %q: a write of %s is to be seen; this node and its peers have %s, %d peers did not answer",
		cache.ErrNotCurrent, b.Name(), key, t.Stamp, have, silent)
}

// keep merges what a peer answered with; e is what has become of it.
func (b *bound) keep(e *cache.Element) {
	b.NoteAuxHit()
	b.fill(cache.Command{Origin: cache.FromLateral, Key: e.Key, Value: e.Value, Attr: e.Attr, Stamp: e.Stamp, Accessed: e.Accessed}, 0, b.Ticket(e.Key))
	if newer, ok := b.Common(b.n.now(), e.Key); ok && newer.Stamp.Compare(e.Stamp) > 0 {
		*e = newer
	}
}

// outlived reports whether what was written with a token is over by now, as
// far as the region's own lifetimes say: nobody having it is then no wonder.
func (b *bound) outlived(t cache.Token) bool {
	age := time.Duration(b.n.now()-t.UnixMilli()) * time.Millisecond
	return !b.attr.Eternal && (b.attr.MaxLife > 0 && age > b.attr.MaxLife || b.attr.MaxIdle > 0 && age > b.attr.MaxIdle)
}
