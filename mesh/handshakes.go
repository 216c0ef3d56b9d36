// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of handshakes that are begun. One costs the listener about half a
// millisecond of CPU, whoever asks, and strangers may ask all day.
const (
	// maxHandshakes of one address may be begun at once: as many as may be
	// open (maxFromOne). Those that end in a proof are given back, so members
	// never come near, however many start on one host.
	maxHandshakes = maxFromOne
	// handshakeRate is how many more of one address are begun per second: one
	// percent of a core. A node that is refused dials every two seconds.
	handshakeRate = 16
	// maxUnknown and unknownRate are those of all addresses together that have
	// never proven anything: who has a network to flood from gets no more than
	// some six percent of a core.
	maxUnknown  = 256
	unknownRate = 128
	// maxDiallers bounds the addresses that are remembered, to some 100 KiB.
	maxDiallers = 1024
)

// Refusals of who would have us compute too much.
var (
	errEager = errors.New("it opens connections faster than it proves anything: 64 handshakes at once and 16 a second are taken from one address; who should be a member needs the cluster's secret")
	errFlood = errors.New("too many addresses that have never proven anything open connections at once, so it has to wait; a member is dialled from here all the same")
)

// handshakes says who may begin one. The zero value is ready.
type handshakes struct {
	mu       sync.Mutex // guards what follows
	diallers map[netip.Addr]*dialler
	unknown  bucket
}

// A dialler is what is known of an address.
type dialler struct {
	bucket
	proven bool // somebody there is a member
}

// A bucket is empty when as much was taken as is allowed.
type bucket struct {
	taken float64
	at    time.Time // when taken was so much
}

// take takes one, if what flows back per second has made room below most.
func (b *bucket) take(now time.Time, most, rate float64) bool {
	b.taken = max(0, b.taken-rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.taken+1 > most {
		return false
	}
	b.taken++
	return true
}

func (b *bucket) giveBack() { b.taken = max(0, b.taken-1) }

// begin takes one for an address, or says why it may not begin one now. If it
// ends in a proof call proven, which gives back what was taken. Whoever is on
// this host needs no handshake to use up its CPU.
func (h *handshakes) begin(a netip.Addr, now time.Time) (proven func(), err error) {
	if a.IsLoopback() {
		return func() {}, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.diallerLocked(a)
	known := d.proven
	switch {
	case !d.take(now, maxHandshakes, handshakeRate):
		return nil, errEager
	case !known && !h.unknown.take(now, maxUnknown, unknownRate):
		return nil, errFlood
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		d := h.diallerLocked(a)
		d.proven = true
		d.giveBack()
		if !known {
			h.unknown.giveBack()
		}
	}, nil
}

// diallerLocked finds or makes what is known of an address. To make room, who
// has proven nothing is forgotten first, and of these who was heard longest
// ago: unknown bounds what they gain by it.
func (h *handshakes) diallerLocked(a netip.Addr) *dialler {
	if d := h.diallers[a]; d != nil {
		return d
	}
	if h.diallers == nil {
		h.diallers = map[netip.Addr]*dialler{}
	}
	if len(h.diallers) >= maxDiallers {
		var worst netip.Addr
		for b, d := range h.diallers {
			if w := h.diallers[worst]; w == nil || !d.proven && w.proven || d.proven == w.proven && d.at.Before(w.at) {
				worst = b
			}
		}
		delete(h.diallers, worst)
	}
	d := &dialler{}
	h.diallers[a] = d
	return d
}

// addrOf is where a connection comes from; the zero Addr if that is no address.
func addrOf(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// denied is the alert of TLS that says access_denied (RFC 8446, section 6).
var denied = [...]byte{21, 3, 3, 0, 2, 2, 49}

// deny ends a handshake before it has cost anything, so that the dialler can
// tell why: it is read to its end, as a close would throw the alert away.
func deny(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(farewellTime))
	conn.Write(denied[:])
	io.CopyN(io.Discard, conn, maxControl)
}
