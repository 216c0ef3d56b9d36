// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"errors"
	"strings"
	"testing"

	"lateral/cache"
)

// The judge finds each promise broken, and nothing else.
func TestJudge(t *testing.T) {
	at := func(n uint64) cache.Stamp { return cache.Stamp{Time: n, Node: 1} }
	alive, dead := &life{host: "a"}, &life{host: "b", ended: true}
	unanswered := errors.New("unanswered")
	put := func(n uint64, v string, l *life) write { return write{key: "k1", value: v, stamp: at(n), life: l} }
	remove := func(n uint64, l *life) write { return write{key: "k1", stamp: at(n), life: l} }
	for _, c := range []struct {
		what   string
		region string
		kills  int
		writes []write
		held   string // "stamp value" of k1
		want   string // of what is broken; "" nothing
	}{
		{"the newest is held", "Plain", 0, []write{put(1, "x", alive), put(2, "y", alive)}, "2 y", ""},
		{"it is missing", "Plain", 0, []write{put(1, "x", alive)}, "", "lost"},
		{"an older one is held", "Plain", 0, []write{put(1, "x", alive), put(2, "y", alive)}, "1 x", "lost"},
		{"a removed one is held", "Plain", 0, []write{put(1, "x", alive), remove(2, alive)}, "1 x", "resurrected"},
		{"it was removed", "Plain", 0, []write{put(1, "x", alive), remove(2, alive)}, "", ""},
		{"its writer was killed", "Plain", 1, []write{put(1, "x", dead)}, "", ""},
		{"its writer was killed, and one peer had it", "Ses", 1, []write{put(1, "x", dead)}, "", "lost"},
		{"two were killed", "Ses", 2, []write{put(1, "x", dead)}, "", ""},
		{"all had it before", "Plain", 2, []write{put(1, "x", everywhere)}, "", "lost"},
		{"a removal was not answered", "Plain", 0, []write{put(1, "x", alive), {key: "k1", err: unanswered, life: alive}}, "", ""},
		{"a put was not answered", "Plain", 0, []write{put(1, "x", alive), {key: "k1", value: "y", err: unanswered, life: alive}}, "7 y", ""},
		{"nobody wrote it", "Plain", 0, []write{put(1, "x", alive)}, "2 z", "invented"},
		{"nobody wrote it at that time", "Plain", 0, []write{put(1, "x", alive), put(3, "y", dead)}, "2 y", "invented"},
		{"there is room for it", "Top", 0, []write{put(1, "x", alive)}, "", "lost"},
	} {
		l := newLoad(nil, []string{"a"})
		l.kills = c.kills
		l.writes[c.region+" k1"] = c.writes
		now := held{}
		if n, v, ok := strings.Cut(c.held, " "); ok {
			now["k1"] = cache.Element{Key: "k1", Value: cache.Value{Bytes: v + padding}, Stamp: at(uint64(n[0] - '0'))}
		}
		l.judgeRegion(c.region, now)
		if len(l.broken) > 1 || strings.Join(l.broken, "") == "" != (c.want == "") || !strings.HasPrefix(strings.Join(l.broken, ""), c.want) {
			t.Errorf("%s: %q, want %q", c.what, l.broken, c.want)
		}
	}
}
