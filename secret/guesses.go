// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// Limits of guessing.
const (
	// maxWrong words per host may be tried in a window: a client that was
	// configured wrongly is told so, a dictionary takes ages.
	maxWrong    = 10
	wrongWindow = time.Minute
	// maxGuessers hosts are remembered, some 100 KiB. With more in one window
	// those that are not remembered wait, as it is a flood from many.
	maxGuessers = 1024
)

// ErrGuesses is wrapped where nothing is looked at until the minute is over.
var ErrGuesses = errors.New("too many wrong words from this address")

// guesses are the wrong words of this window by host. The zero value is ready.
type guesses struct {
	mu    sync.Mutex // guards what follows
	began time.Time
	wrong map[netip.Prefix]int
}

// allowed reports whether a host may try a word.
func (g *guesses) allowed(host netip.Prefix, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	n, known := g.wrong[host]
	return n < maxWrong && (known || len(g.wrong) < maxGuessers)
}

// failed notes a wrong word.
func (g *guesses) failed(host netip.Prefix, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked(now)
	if _, known := g.wrong[host]; known || len(g.wrong) < maxGuessers {
		g.wrong[host]++
	}
}

// turnLocked begins a window, also when the clock was set back.
func (g *guesses) turnLocked(now time.Time) {
	if age := now.Sub(g.began); g.wrong == nil || age >= wrongWindow || age < 0 {
		g.began, g.wrong = now, map[netip.Prefix]int{}
	}
}

// hostOf is for whom the attempts of an address are counted: itself, or its
// network of 64 bits, of which every IPv6 host has all addresses. All clients of
// unix sockets are one.
func hostOf(addr string) netip.Prefix {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return netip.Prefix{}
	}
	ip := a.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // it has as many
	return p
}
