// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lateral/cache"
)

// feeler is an ear that hears of accesses, too.
type feeler struct {
	ear
	touched []string
}

func (f *feeler) Touch(_, key string, at int64) {
	f.touched = append(f.touched, fmt.Sprint(key, "@", at-base))
}

// touchable is a replicated region whose elements idle out after 8 s and are
// over after a minute.
func touchable(t *testing.T) (*Region, *feeler) {
	f := &feeler{}
	attr := cache.DefaultAttributes
	attr.Eternal, attr.MaxIdle, attr.MaxLife = false, 8*time.Second, time.Minute
	r, err := New(Settings{Name: "test", MaxObjects: -1, Attr: attr, Auxiliaries: []Binding{{Name: "LTCP", Kind: cache.Lateral, Aux: f, Gates: sendsValues}}},
		&cache.Clock{Node: 1}, new(sum))
	if err != nil {
		t.Fatal(err)
	}
	return r, f
}

func apply(t *testing.T, r *Region, now int64, c cache.Command) {
	t.Helper()
	if _, err := r.Apply(base+now, c); err != nil {
		t.Fatal(err)
	}
}

// TestTouchTold has peers hear of the first access in each eighth of the idle
// time, of what they hold; a touch by a peer counts as that first one.
func TestTouchTold(t *testing.T) {
	r, f := touchable(t)
	apply(t, r, 0, cache.Command{Op: cache.Put, Key: "k"})
	apply(t, r, 0, cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "own"})
	for now := int64(0); now < 5000; now += 100 {
		if now == 3000 && !r.Touched(base+now, "k", base+now) {
			t.Error("a touch is no news")
		}
		r.Get(base+now, "k")
		r.Get(base+now, "own")
		r.Apply(base+now, cache.Command{Op: cache.Touch, Key: "k"})
	}
	if want := []string{"k@1000", "k@2000", "k@4000"}; !slices.Equal(f.touched, want) {
		t.Errorf("told of %v, want %v", f.touched, want)
	}
	if f.take() != "put k=" {
		t.Error("a read was told as a change")
	}
}

// TestTouched merges accesses by their maximum, and nothing else.
func TestTouched(t *testing.T) {
	r, _ := touchable(t)
	lives := func(now int64, key string, want bool) {
		t.Helper()
		if _, ok := r.Peek(base+now, key); ok != want {
			t.Errorf("%s at %d ms: there %v, want %v", key, now, ok, want)
		}
	}
	for _, key := range []string{"k", "late", "gone", "old"} {
		apply(t, r, 0, cache.Command{Op: cache.Put, Key: key})
	}
	apply(t, r, 0, cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "own"})
	apply(t, r, 1000, cache.Command{Op: cache.Remove, Key: "gone"})
	news := func(now int64, key string, at int64, want bool) {
		t.Helper()
		if got := r.Touched(base+now, key, base+at); got != want {
			t.Errorf("a touch of %s: news %v, want %v", key, got, want)
		}
	}
	news(7000, "k", 6000, true)
	news(7000, "k", 5000, false) // overtaken
	news(7000, "none", 6000, false)
	news(7000, "own", 6000, false)
	news(7000, "gone", 6000, false)
	news(9000, "late", 7000, true) // it idled out here, yet was in use there
	lives(9000, "late", true)
	lives(14_000, "k", true)
	lives(14_001, "k", false)
	lives(7000, "none", false)
	lives(7000, "gone", false)
	news(8000, "old", 1<<50, true) // a clock that is ahead keeps nothing alive for longer
	lives(16_000, "old", true)
	lives(16_001, "old", false)
	news(16_001, "old", 16_000, true)
	for now := int64(20_000); now <= 64_000; now += 4000 {
		news(now, "old", now, true)
		lives(now, "old", now <= 60_000) // an absolute lifetime does not look at accesses
	}
}
