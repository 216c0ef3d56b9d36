// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral"
)

type person struct {
	Name string   `json:"name"`
	Mail []string `json:"mail"`
}

// there puts a value on one node and gets it there and on the other, where it
// has to be decoded; and a held one costs its reader nothing.
func there[V any](t *testing.T, c *cluster, codec lateral.Codec[V], v V, same func(a, b V) bool) {
	t.Helper()
	ctx := c.t.Context()
	mine, err1 := lateral.In(c.nodes["1"], "Rep", codec)
	theirs, err2 := lateral.In(c.nodes["2"], "Rep", codec)
	if err := errors.Join(err1, err2, mine.Put(ctx, "k", v), mine.Barrier(ctx)); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*lateral.Region[V]{mine, theirs} {
		if got, ok, err := r.Get(ctx, "k"); !ok || err != nil || !same(got, v) {
			t.Errorf("%T: %v, %v, %v", v, got, ok, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { mine.Get(ctx, "k") }); n != 0 {
		t.Errorf("%T: a held value costs %v allocations", v, n)
	}
}

func TestCodecs(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		equal := func(a, b []byte) bool { return string(a) == string(b) }
		there(t, c, lateral.Text, "text", func(a, b string) bool { return a == b })
		there(t, c, lateral.Bytes, []byte{0, 255, 7}, equal)
		there(t, c, lateral.Bytes, nil, equal)
		there(t, c, lateral.JSON[person](), person{"anna", []string{"a@example.org"}}, func(a, b person) bool { return a.Name == b.Name && slices.Equal(a.Mail, b.Mail) })
		there(t, c, lateral.JSON[*person](), &person{Name: "berta"}, func(a, b *person) bool { return a.Name == b.Name })
		there(t, c, lateral.Binary[time.Time](), time.Unix(1e9, 5).UTC(), time.Time.Equal)
	})
}

// Bytes that do not decode are an error that names region and key.
func TestNotDecoded(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.put("1", "Rep", "k", "{no json")
		r, err := lateral.In(c.nodes["1"], "Rep", lateral.JSON[person]())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Get(c.t.Context(), "k"); err == nil || !strings.Contains(err.Error(), `region Rep, key "k"`) {
			t.Error(err)
		}
		if b, err := lateral.In(c.nodes["1"], "Rep", lateral.Binary[time.Time]()); err != nil {
			t.Fatal(err)
		} else if _, _, err := b.Get(c.t.Context(), "k"); err == nil {
			t.Error("a time was read from nonsense")
		}
	})
}

// Keys has each key that is held, more than are gathered at once, and may be
// left; a loop may write.
func TestKeysAndStats(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		r := c.in("1", "Rep")
		want := map[string]bool{}
		for i := range 1000 {
			key := strings.Repeat("k", 1+i%7) + time.Duration(i).String()
			want[key] = true
			if err := r.Put(c.t.Context(), key, "v"); err != nil {
				t.Fatal(err)
			}
		}
		got := map[string]bool{}
		for k := range r.Keys() {
			got[k] = true
		}
		if len(got) != len(want) || r.Len() != len(want) {
			t.Errorf("%d and %d of %d keys", len(got), r.Len(), len(want))
		}
		for k := range r.Keys() {
			if err := r.Remove(c.t.Context(), k); err != nil {
				t.Error(err)
			}
			break
		}
		if st := r.Stats(); st.Region != "Rep" || st.Elements != len(want)-1 || st.Stats.Puts != uint64(len(want)) {
			t.Errorf("%+v", st)
		}
	})
}
