// SPDX-License-Identifier: Apache-2.0

package link

import (
	"net"
	"testing"
	"time"
)

// accepted returns how much a connection takes in of which nothing is read.
func accepted(t *testing.T, wide bool) (n int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	from, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	from.(*net.TCPConn).SetWriteBuffer(64 << 10)
	to, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if wide {
		widen(to)
	}
	for b := make([]byte, 32<<10); n < 4<<20; {
		from.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		k, err := from.Write(b)
		if n += k; err != nil {
			break
		}
	}
	return n
}

// TestWiden: a connection takes in more before its first byte is read.
func TestWiden(t *testing.T) {
	before, after := accepted(t, false), accepted(t, true)
	t.Logf("%d bytes, widened %d", before, after)
	if after < 2*before {
		t.Errorf("%d bytes are taken in, and widened %d", before, after)
	}
}
