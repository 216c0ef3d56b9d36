// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"slices"
	"testing"
	"time"

	"lateral/cache"
	"lateral/secret"
)

// listen returns the ids heard in a second.
func (l *lad) listen() (ids []cache.NodeID) {
	for _, h := range l.Listen(l.b.t.Context(), time.Second) {
		if h.Packets == 0 || h.Interface == "" || !h.Addr.IsValid() {
			l.b.t.Errorf("heard %+v", h)
		}
		ids = append(ids, h.ID)
	}
	return ids
}

// A listener hears those who were quiet for long, itself too, and neither what
// is lost nor whom it does not believe; few packets are sent for it.
func TestListen(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var told refusals
		ring := func() func(*Config) { return with(secret.NewRing(nil, testSecret), &told) }
		a, o, c := b.start(1, 1, ring()), b.start(2, 2, ring()), b.start(3, 3, ring())
		stranger := b.start(4, 4, nil)
		passes(25 * time.Second) // announcements are rare by now
		before := a.Heard().Sent
		if got := a.listen(); !slices.Equal(got, []cache.NodeID{1, 2, 3}) {
			t.Errorf("heard %x", got)
		}
		if n := a.Heard().Sent - before; n > 10 {
			t.Errorf("%d packets for one listener", n)
		}
		b.net.Block(host(3), host(1))
		if got := a.listen(); !slices.Equal(got, []cache.NodeID{1, 2}) {
			t.Errorf("with one of them lost: heard %x", got)
		}
		if n := len(a.listening); n != 0 {
			t.Errorf("%d listeners are left", n)
		}
		end(a, o, c, stranger)
	})
}

var testSecret = secret.New()
