// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/converge"
)

// strictLink is a loneLink of which both sides know all, and whose mesh has a
// strict region and is old enough to serve.
func strictLink(t *testing.T) *link {
	t.Helper()
	l, _, stop := loneLink()
	t.Cleanup(stop)
	l.peerHello.Version = Version
	l.m.c.Started = time.Now().Add(-time.Hour)
	l.m.Strict(time.Minute)
	return l
}

func (l *link) grantedBy(t *testing.T) {
	t.Helper()
	p := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(l.m.Age())), uint64(time.Minute))
	if err := l.takeLease(&scan{s: string(p)}); err != nil {
		t.Fatal(err)
	}
}

func (l *link) reckoned(t *testing.T, set ...converge.Member) {
	t.Helper()
	_, p, err := readFrame(bytes.NewReader(appendReckon(nil, set)), nil)
	if err == nil {
		err = l.takeReckon(&scan{s: string(p)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// No lease is granted to a peer that has not been told whom this node reckons
// with: it would serve what these remove.
func TestLeaseBehindReckon(t *testing.T) {
	l := strictLink(t)
	cur, err := l.m.c.Log.Cursor(1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l.wanted.Store(&asked{sent: 1, lease: uint64(time.Second)})
		l.frontDue.Store(false)
		if got := l.grant(nil, cur); len(got) != 0 {
			t.Fatal("a lease is granted before the peer knows whom to count")
		}
		if f := l.front(nil, 0); len(f) == 0 || frameType(f[0]) != frameReckon {
			t.Fatalf("nobody tells the peer: % x", f)
		}
		if got := l.grant(nil, cur); len(got) == 0 {
			t.Fatal("no lease is granted once it does")
		}
		l.m.frontier.Linked(7, true) // somebody new
	}
}

// Whom a peer reckons with counts from the moment on that it says so, and no
// more when it has ended, which empties what it may have removed.
func TestReckonedCount(t *testing.T) {
	l := strictLink(t)
	serves := func(want bool) {
		t.Helper()
		if until := l.m.Lease(); until > l.m.Age() != want {
			t.Fatalf("served till %v at %v", until, l.m.Age())
		}
	}
	me, peer := converge.Member{ID: 1, Receives: true}, converge.Member{ID: 2, Receives: true}
	l.reckoned(t, me, peer)
	l.grantedBy(t)
	serves(true)
	l.reckoned(t, me, peer, converge.Member{ID: 9})
	serves(false)
	if s := l.m.Silent(); len(s) != 1 || s[0].ID != cache.NodeID(9).String() || !s[0].Strict {
		t.Fatalf("silent: %+v", s)
	}
	l.reckoned(t, me, peer, converge.Member{ID: 9, Standing: converge.Dead})
	serves(true)
}

// After the retention a silent member is forgotten, except where it may go on
// removing what strict regions serve.
func TestForgetSilent(t *testing.T) {
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l, _, stop := loneLink()
			defer stop()
			if strict {
				l.m.Strict(time.Minute)
			}
			l.m.c.Retention = time.Hour
			l.m.frontier.Linked(9, true)
			l.m.frontier.Unlinked(9)
			ctx, end := context.WithTimeout(t.Context(), 3*time.Hour)
			defer end()
			if err := l.m.forgetSilent(ctx); err != nil {
				t.Fatal(err)
			}
			if gone := l.m.frontier.Ended(9); gone == strict {
				t.Errorf("strict %v: forgotten %v", strict, gone)
			}
		})
	}
}
