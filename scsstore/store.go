// SPDX-License-Identifier: Apache-2.0

// Package scsstore keeps the sessions of github.com/alexedwards/scs/v2 in a
// region of a node, so that programs that use that library share them between
// instances behind a load balancer, without a server to keep them:
//
//	store, err := scsstore.New(node, "Sessions")
//	manager := scs.New()
//	manager.Store = store
//
// It needs no import of scs: a Store has the methods of its Store and CtxStore,
// the latter since scs 2.5.
//
// In a region whose values travel and that has Acks=K, a session that was
// answered for outlives any K nodes, and is found on every node; with Acks=all
// the next request finds its newest state wherever it arrives. With fewer a
// node that was not among those that acknowledged may, for as long as a change
// is on its way, serve the state before.
//
// scs loads a session as a whole and stores it as a whole. Of two requests of
// one session that change it at once, here or on two nodes, the one that
// stores later wins, on every node alike, and what the other changed is lost:
// so it is with any store of that library. Package httpsession merges changes.
//
// Tokens are not in the region: its keys are their hashes, so nobody who lists
// keys can become somebody else. Hence All, and with it Iterate, is not there.
package scsstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"lateral"
	"lateral/cache"
)

// A Store keeps sessions. It may be used by many goroutines.
//
// Errors wrap those of package cache: ErrNotReplicated (fewer peers than Acks
// have acknowledged within AckTimeout; the session is stored here, and on its
// way), ErrStopping, ErrClosed, ErrTooLarge (more than cache.MaxValue, 64 MiB).
// scs hands them to its ErrorFunc.
type Store struct {
	node  *lateral.Node
	store *lateral.Store
}

// New returns sessions in a region of a node. It writes nothing.
func New(n *lateral.Node, region string) (*Store, error) {
	if region == "" {
		return nil, errors.New("scsstore: no region is named: say where sessions are to be kept, as in New(node, \"SessionCache\")")
	}
	st, err := n.Store(region)
	if err != nil {
		return nil, err
	}
	return &Store{n, st}, nil
}

// keyOf is what the region knows of a token.
func keyOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// FindCtx returns the data of a session; a miss asks the peers, as far as the
// region lets it.
func (s *Store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	rep, err := s.node.Do(ctx, cache.Command{Op: cache.Get, Region: s.store.Name(), Key: keyOf(token)})
	if err != nil || !rep.Found {
		return nil, false, err
	}
	return []byte(rep.Element.Value.Bytes), true, nil
}

// CommitCtx stores a session until a time, and returns when as many peers have
// it as the region's Acks say. scs has seen to idle times, so the region's own
// do not count.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	life := expiry.Sub(time.UnixMilli(s.store.Now()))
	if life <= 0 {
		return s.DeleteCtx(ctx, token)
	}
	attr := *s.store.Attributes()
	attr.Eternal, attr.MaxIdle, attr.MaxLife = false, -1, life
	_, err := s.node.Do(ctx, cache.Command{Op: cache.Put, Region: s.store.Name(), Key: keyOf(token), Value: cache.Value{Bytes: string(data)}, Attr: &attr})
	return err
}

// DeleteCtx ends a session, also one that is not there, and returns when as
// many peers have dropped it as the region's Acks say.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.node.Do(ctx, cache.Command{Op: cache.Remove, Region: s.store.Name(), Key: keyOf(token)})
	return err
}

// Find is FindCtx without a context.
func (s *Store) Find(token string) (data []byte, found bool, err error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (s *Store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
