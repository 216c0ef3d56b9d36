// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// unproven is the refusal of who could not prove to be a member.
type unproven struct{ error }

func (u unproven) Unwrap() error { return u.error }

// Refusals of those who are secured otherwise than we.
var (
	errNoTLS = errors.New("it does not prove that it is a member: this cluster has a secret; give the node the same ClusterSecretFile")
	errTLS   = errors.New("it has a cluster secret (it opens with TLS), and this node has none: set ClusterSecretFile")
)

// prove puts an accepted connection under the guard, if there is one. nil, nil
// leaves it as it is, with what it opened with.
func (m *Mesh) prove(ctx context.Context, conn net.Conn, head [len(Magic)]byte) (net.Conn, error) {
	isTLS := head[0] == 0x16 && head[1] == 3
	switch {
	case m.c.Guard == nil && isTLS:
		m.turnAway(conn, goaway{Reason: "refused: " + errTLS.Error()}) // who expects TLS sees that it is none
		return nil, unproven{errTLS}
	case m.c.Guard == nil:
		return nil, nil
	case string(head[:]) == Magic:
		m.turnAway(conn, goaway{Reason: "refused: " + errNoTLS.Error()})
		return nil, unproven{errNoTLS}
	case !isTLS:
		return nil, nil
	}
	proven, err := m.eager.begin(addrOf(conn), time.Now())
	if err != nil {
		deny(conn)
		return nil, unproven{err}
	}
	safe, err := m.c.Guard.Server(ctx, &begun{conn, head[:]})
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil, err // it may be anything: a line that was cut, a port that was scanned
	}
	if err != nil {
		return nil, unproven{err}
	}
	proven()
	if _, err = io.ReadFull(safe, head[:]); err == nil && string(head[:]) != Magic {
		err = fmt.Errorf("%w: under TLS it opens with % x", ErrProtocol, head)
	}
	if err != nil {
		safe.Close()
		return nil, err
	}
	return safe, nil
}

// begun is a connection of which something has been read already.
type begun struct {
	net.Conn
	head []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.head) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.head)
	b.head = b.head[n:]
	return n, nil
}
