// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"io"
	"net"
	"slices"
	"time"

	"lateral/cache"
	"lateral/host"
)

// wayOpening opens a connection that says nothing to the process it comes to:
// a member measures the way. That its kernel acknowledges what follows is all
// that the member wants to know. It is told before TLS, by anybody.
const wayOpening = "LTR?"

const (
	// fullTime is how long a packet of full size may take: TCP sends one that
	// is lost again after some 200 ms and after some 600.
	fullTime = 800 * time.Millisecond
	// stepTime is that of each smaller one, of which one only is not acknowledged.
	stepTime = 300 * time.Millisecond
	// maxWay bounds what is thrown away of such a connection, in bytes. How long
	// it may last its reader says (OpenTimeOut).
	maxWay = 256 << 10
)

// A doorway is a listener at which ways may be measured.
type doorway struct{ net.Listener }

// Accept is that of net.Listener.
func (d doorway) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &visit{TCPConn: tcp}, err
	}
	return c, err
}

// A visit is a connection that was accepted. Who only measures the way is, to
// its reader, somebody who closed it without a word.
type visit struct {
	*net.TCPConn
	begun bool // of the one who reads
}

// Read is that of net.Conn.
func (v *visit) Read(p []byte) (int, error) {
	n, err := v.TCPConn.Read(p)
	if v.begun || n == 0 {
		return n, err
	}
	v.begun = true
	if n < len(wayOpening) || string(p[:len(wayOpening)]) != wayOpening {
		return n, err
	}
	io.CopyN(io.Discard, v.TCPConn, maxWay) // to its end: a close before that throws away what is on the way
	return 0, io.EOF
}

// measure finds how large packets may be that get to a member, with a
// connection that was made for it, and another one where full ones do not.
// Where not even a small one does, or time is over, nothing is claimed.
func (e *endpoint) measure(ctx context.Context, conn net.Conn, d *cache.SurveyedDial) {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return // no real network
	}
	full, err := host.PacketOf(c)
	if err != nil {
		return
	}
	least := slices.Min(host.PacketSizes) // first, so that the other end knows what this is
	switch n, err := host.Delivered(ctx, c, wayOpening, []int{least, full}, fullTime); {
	case n == full:
		d.Fits = full
		return
	case n == 0 || err != nil:
		return
	}
	c.SetLinger(0) // what is not acknowledged holds up the goodbye
	again, err := e.n.network.Dial(ctx, d.Addr)
	if err != nil {
		return
	}
	defer again.Close()
	c, ok = again.(*net.TCPConn)
	if !ok {
		return
	}
	sizes := []int{full}
	for _, n := range host.PacketSizes {
		if n < full {
			sizes = append(sizes, n)
		}
	}
	slices.Reverse(sizes) // the smallest first, and at last the full one once more
	n, err := host.Delivered(ctx, c, wayOpening, sizes, stepTime)
	c.SetLinger(0)
	if err != nil || n == 0 {
		return
	}
	d.Fits = n
	if i := slices.Index(sizes, n); i+1 < len(sizes) {
		d.Lost = sizes[i+1]
	}
}
