// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/changelog"
)

// Changes of a frame are applied in their order, whatever regions they are of,
// and those before one that cannot be read are applied, too. Each region is
// told beforehand of keys of its own, and an idle link keeps none of it.
func TestBatches(t *testing.T) {
	l, s, stop := loneLink()
	defer stop()
	feed(l, s, fr(frameNames, 0, "State", "User"))
	var records []byte
	want := map[int][]string{}
	const total = 40
	for i := 1; i <= total; i++ {
		region := 0
		if i > 10 && i%3 == 0 {
			region = 1
		}
		records = changelog.Append(records, &cache.Change{Op: cache.Put, Element: cache.Element{Key: fmt.Sprint(i), Attr: &cache.DefaultAttributes,
			Stamp: cache.Stamp{Time: uint64(i), Node: 0x200}}}, uint64(region), 0x200)
		want[region] = append(want[region], fmt.Sprint("put ", i))
	}
	if err := feed(l, s, fr(frameChanges, uint64(1), append(records, 0xff))); !errors.Is(err, ErrProtocol) {
		t.Errorf("a record that cannot be read: %v", err)
	}
	if got := l.peer.received.Load(); got != total {
		t.Errorf("%d changes are counted, %d came before the one that cannot be read", got, total)
	}
	for i, name := range []string{"State", "User"} {
		r, _ := l.m.c.Region(name)
		shelf := r.(*shelf)
		if got := shelf.ops(); !slices.Equal(got, want[i]) {
			t.Errorf("%s: %v, want %v", name, got, want[i])
		}
		for _, key := range shelf.warmed {
			if !slices.Contains(want[i], "put "+key) {
				t.Errorf("%s is told of %s, which it is not about to have", name, key)
			}
		}
	}
	state, _ := l.m.c.Region("State")
	if got := strings.Join(state.(*shelf).warmed, " "); !strings.HasPrefix(got, "1 2 3 4 5 6 7 8 9 10 11") {
		t.Errorf("told beforehand of %s", got)
	}
	for i := range l.batch.changes {
		if l.batch.keys[i] != "" || l.batch.changes[i].Element.Key != "" {
			t.Fatal("an idle link keeps changes")
		}
	}
}
