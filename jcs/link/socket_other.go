// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package link

import (
	"net"
	"sync/atomic"
)

// queued: only Linux tells.
func queued(net.Conn) (unacked, unsent int, ok bool) { return 0, 0, false }

// widen: other systems have no such option.
func widen(net.Conn) {}

type promptReader struct {
	conn  net.Conn
	count *atomic.Int64
}

// prompt: only Linux lets the reader decide when to acknowledge.
func prompt(conn net.Conn, count *atomic.Int64) *promptReader {
	return &promptReader{conn: conn, count: count}
}

func (p *promptReader) Read(b []byte) (int, error) {
	n, err := p.conn.Read(b)
	p.count.Add(int64(n))
	return n, err
}
