// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// A teller says things to a table at times of its choice.
type teller struct {
	t *testing.T
	keyTable
	now time.Time
}

func newTeller(t *testing.T) *teller { return &teller{t: t, now: time.Unix(1e9, 0)} }

// say is one word per text: "2 +30 k=v" is node 2, 30 ms later, putting v under
// k; "k=" removes it; "*" all, "a:" a prefix, "g/" a group.
func (x *teller) say(words ...string) {
	x.t.Helper()
	for _, text := range words {
		var node int64
		var ms int
		var what string
		if _, err := fmt.Sscanf(text, "%d +%d %s", &node, &ms, &what); err != nil {
			x.t.Fatal(text, err)
		}
		x.now = x.now.Add(time.Duration(ms) * time.Millisecond)
		w := word{scope: scopeKey, source: node, at: x.now}
		key, value, put := strings.Cut(what, "=")
		switch {
		case what == "*":
			w.scope, key = scopeAll, ""
		case strings.HasSuffix(what, ":"):
			w.scope = scopePrefix
		case strings.HasSuffix(what, "/"):
			w.scope, key = scopeGroup, strings.TrimSuffix(what, "/")
		case put && value != "":
			w.hash = valueHash(cache.Value{Bytes: value})
		}
		x.note("r", key, w)
	}
}

// want compares what is settled after a while: "crossed k", "in-turn k".
func (x *teller) want(after time.Duration, want ...string) {
	x.t.Helper()
	var got []string
	list, crossed, turns := x.list(x.now.Add(after), "", requesterText)
	for _, d := range list {
		got = append(got, d.Kind+" "+d.Key)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || crossed+turns != len(want) {
		x.t.Errorf("%v (%d, %d), want %v", got, crossed, turns, want)
	}
	var sum cache.Observed
	x.count(x.now.Add(after), &sum, requesterText)
	if n := min(crossed, cache.MaxLatest); len(sum.Latest) != n || n > 0 && !reflect.DeepEqual(sum.Latest, list[:n]) {
		x.t.Errorf("named %+v of %+v", sum.Latest, list)
	}
	if sum.Crossed != crossed || sum.InTurn != turns {
		x.t.Errorf("counted %+v, listed %d and %d", sum, crossed, turns)
	}
}

const settled = settleTime

// TestDisputes: what counts as crossed, what as in turn, and what ends it.
func TestDisputes(t *testing.T) {
	for name, c := range map[string]struct{ say, want string }{
		"two at once":               {"1 +0 k=a,2 +5 k=b", "crossed k"},
		"the same value":            {"1 +0 k=a,2 +5 k=a", ""},
		"the window's edge":         {"1 +0 k=a,2 +200 k=b", "crossed k"},
		"one after the other":       {"1 +0 k=a,2 +201 k=b", "in-turn k"},
		"one node alone":            {"1 +0 k=a,1 +1 k=b", ""},
		"a put and a removal":       {"1 +0 k=a,2 +5 k=", "crossed k"},
		"a removal and a put":       {"1 +0 k=,2 +5 k=b", "crossed k"},
		"removed long after":        {"1 +0 k=a,2 +500 k=", ""},
		"put again by a third":      {"1 +0 k=a,2 +5 k=b,3 +900 k=c", "in-turn k"},
		"put again by one of them":  {"1 +0 k=a,2 +5 k=b,2 +900 k=b", "in-turn k"},
		"both removals":             {"1 +0 k=,2 +5 k=", ""},
		"another key":               {"1 +0 k=a,2 +5 l=b", ""},
		"a clear at the same time":  {"1 +0 k=a,2 +5 *", "crossed k"},
		"a put behind a clear":      {"2 +0 *,1 +5 k=a", "crossed k"},
		"its own clear":             {"1 +0 k=a,1 +5 *", ""},
		"cleared long after":        {"1 +0 k=a,2 +5 k=b,3 +900 *", ""},
		"a prefix":                  {"1 +0 a:k=a,2 +5 a:", "crossed a:k"},
		"another prefix":            {"1 +0 a:k=a,2 +5 b:", ""},
		"the prefix long after":     {"1 +0 a:k=a,2 +5 a:k=b,3 +900 a:", ""},
		"three, the last two alike": {"1 +0 k=a,2 +50 k=b,3 +50 k=b", "crossed k"},
		"order of kinds":            {"1 +0 x=a,2 +500 x=b,1 +500 k=a,2 +5 k=b", "crossed k in-turn x"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTeller(t)
			x.say(strings.Split(c.say, ",")...)
			var want []string
			for f := strings.Fields(c.want); len(f) > 1; f = f[2:] {
				want = append(want, f[0]+" "+f[1])
			}
			x.want(settled, want...)
		})
	}
}

// TestLateralNodes: among them stamps decide; with a Java node they may differ.
func TestLateralNodes(t *testing.T) {
	x := newTeller(t)
	x.say("8589934592 +0 k=a", "8589934593 +5 k=b", "1 +5000 l=a", "8589934593 +5 l=b")
	x.want(settled, "crossed l")
	x.say("8589934592 +900 k=c")
	x.want(settled, "crossed l")
}

// TestSettles: what was written just now does not count yet, and a later write
// within that time ends it.
func TestSettles(t *testing.T) {
	x := newTeller(t)
	x.say("1 +0 k=a", "2 +5 k=b")
	x.want(settled - time.Millisecond)
	var sum cache.Observed
	if x.count(x.now, &sum, requesterText); sum.Unsettled != 1 || sum.Keys != 1 {
		t.Errorf("%+v", sum)
	}
	x.say("1 +1000 k=c")
	x.want(settled, "in-turn k")
}

// TestGroups: a group is removed by its name.
func TestGroups(t *testing.T) {
	x := newTeller(t)
	key := cache.GroupKey("g", "n")
	x.note("r", key, word{scope: scopeKey, source: 1, at: x.now, hash: 7})
	x.note("r", "n", word{scope: scopeKey, source: 1, at: x.now, hash: 7})
	x.say("2 +5 g/")
	list, _, _ := x.list(x.now.Add(settled), "", requesterText)
	if len(list) != 1 || list[0].String() != "g/n" || list[0].Said[0].Value != "" || list[0].Said[1].Value == "" || list[0].Gap != 5*time.Millisecond {
		t.Errorf("%+v", list)
	}
	if list, _, _ = x.list(x.now.Add(settled), "other", requesterText); len(list) != 0 {
		t.Error("regions are mixed up")
	}
}

// TestLives: what has expired on all nodes is over.
func TestLives(t *testing.T) {
	x := newTeller(t)
	for node := range int64(2) {
		x.note("r", "k", word{scope: scopeKey, source: node, at: x.now, hash: uint64(node + 1), life: time.Minute})
	}
	x.want(time.Minute-1, "crossed k")
	x.want(time.Minute)
}

// TestKeyLimits: whatever is said, no more is remembered than there is room
// for, and what is crossed outlives what is not.
func TestKeyLimits(t *testing.T) {
	x := newTeller(t)
	x.say("1 +0 k=a", "2 +5 k=b")
	for i := range maxCalm + 10 {
		x.note("r", fmt.Sprint("calm", i), word{scope: scopeKey, source: 1, at: x.now, hash: 1})
	}
	if x.calm.Len() != maxCalm || len(x.of) != maxCalm+1 || x.forgotten != 10 {
		t.Errorf("%d, %d, %d forgotten", x.calm.Len(), len(x.of), x.forgotten)
	}
	x.want(settled, "crossed k")
	for node := range int64(2) {
		for i := range maxCrossed + 10 {
			x.note("r", fmt.Sprint("crossed", i), word{scope: scopeKey, source: node, at: x.now, hash: uint64(node + 1)})
		}
	}
	if x.disputed.Len() != maxCrossed {
		t.Errorf("%d are crossed", x.disputed.Len())
	}
	long := strings.Repeat("x", cache.MaxKey-8)
	for i := range 2 * maxKeyBytes / cache.MaxKey {
		x.note("r", fmt.Sprint(long, i), word{scope: scopeKey, source: 1, at: x.now, hash: 1})
	}
	bytes := 0
	for id := range x.of {
		bytes += len(id.region) + len(id.key)
	}
	if bytes != x.bytes || bytes > maxKeyBytes || len(x.of) != x.calm.Len()+x.disputed.Len() {
		t.Errorf("%d bytes, counted as %d; %d keys", bytes, x.bytes, len(x.of))
	}
	for i := range int64(maxSaid + 5) {
		x.note("r", "many nodes", word{scope: scopeKey, source: i, at: x.now, hash: uint64(i + 1)})
	}
	if e := x.of[keyID{"r", "many nodes"}].Value.(*entry); len(e.said) != maxSaid || e.said[maxSaid-1].source != maxSaid+4 {
		t.Errorf("%d nodes are remembered", len(e.said))
	}
	for i := range maxManyOf + 10 {
		x.note(fmt.Sprint("r", i), "", word{scope: scopeAll, source: 1, at: x.now})
	}
	for range maxMany + 3 {
		x.note("last", "", word{scope: scopeAll, source: 1, at: x.now})
	}
	if len(x.many) > maxManyOf || len(x.many["last"]) != maxMany {
		t.Errorf("removals of many: %d regions, %d of one", len(x.many), len(x.many["last"]))
	}
}

// TestValueHash: equal values are alike whatever their streams, and others are
// not.
func TestValueHash(t *testing.T) {
	hash := func(p any) uint64 {
		v, err := jcs.Make(p)
		if err != nil {
			t.Fatal(err)
		}
		return valueHash(v)
	}
	same := []any{setOf("a", "b"), setOf("b", "a"), mapOf("k", "1", "l", "2"), mapOf("l", "2", "k", "1")}
	if hash(same[0]) != hash(same[1]) || hash(same[2]) != hash(same[3]) {
		t.Error("order counts in a set or a map")
	}
	met := map[uint64]any{}
	for _, p := range []any{"a", "", []byte("a"), int32(1), int64(1), true, "1", []any{"a", "b"}, []any{"b", "a"}, []any{"ab"}, []any{[]any{"a"}, "b"},
		setOf("a", "b"), setOf("ab"), mapOf("k", "1"), mapOf("1", "k"), mapOf("k", "2")} {
		h := hash(p)
		if old, ok := met[h]; ok || h == 0 {
			t.Errorf("%#v is taken for %#v", p, old)
		}
		met[h] = p
	}
}

func setOf(list ...any) javaser.Set { return list }

func mapOf(pairs ...any) (m javaser.Map) {
	for ; len(pairs) > 1; pairs = pairs[2:] {
		m = append(m, javaser.Entry{Key: pairs[0], Value: pairs[1]})
	}
	return m
}
