// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/internal/lab"
	"lateral/jcs"
)

// asking has misses ask; the third that they have something to miss.
var asking = []string{".AllowGet=true", ".PutOnlyMode=false", ".AllowPut=false"}

// A query is a question that a Java node is made to ask Lateral.
type query struct{ line, want string }

// queries are those that a generation has.
func queries(g generation) []query {
	qs := []query{{"get alpha s:here", "s:v"}, {"get alpha s:nowhere", "null"}}
	if g.profile != "jcs2" {
		qs = append(qs, qs[1], query{"get alpha s:here2", "s:w"})
	}
	if g.profile != "jcs13" { // whose protocol has no other question
		qs = append(qs, query{"matching alpha here.*", "s:here,s:here2"}, query{"keyset alpha", "i:3,s:here,s:here2"})
	}
	return qs
}

// TestGets: questions both ways, hits and misses. A miss at Lateral is answered
// at once; at a Java node of JCS 2 or 3 its caller waits for the timeout.
func TestGets(t *testing.T) {
	each(t, func(t *testing.T, g generation) {
		if g.profile == "jcs2" {
			// It closes the connection on which it was answered, its only one for a
			// peer, and never dials that again (LateralTCPSender.sendAndReceive
			// closes the stream of the answer): each question has a JVM of its own.
			for i, q := range queries(g) {
				t.Run(fmt.Sprint(i, " ", strings.Fields(q.line)[0]), func(t *testing.T) {
					t.Parallel()
					j := askable(t, g)
					asks(t, j, q)
					if got := j.get("alpha", "s:here3"); got != "null" {
						t.Errorf("its second question was answered with %s: then more can be asked of JCS 2 than is tested here", got)
					}
				})
			}
			return
		}
		j := askable(t, g)
		for _, q := range queries(g) {
			asks(t, j, q)
		}
	})
}

// askable is a pair that asks each other for what it misses, and tells nothing.
func askable(t *testing.T, g generation) *jvm {
	j, l := pair(t, g, asking...)
	put(t, l, "here", "v")
	put(t, l, "here2", "w")
	put(t, l, "here3", "w")
	do(t, l, cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: "here3"})
	put(t, l, cache.JavaKey('I', "3"), "three")
	return j
}

func asks(t *testing.T, j *jvm, q query) {
	t.Helper()
	got, nanos, timed := strings.Cut(j.ask("%s", q.line), " ")
	if got != q.want {
		t.Errorf("%s: %s, want %s", q.line, got, q.want)
	}
	ns, _ := strconv.ParseInt(nanos, 10, 64)
	if timed && q.want == "null" {
		if ns > 500e6 { // its own timeout is a second
			t.Errorf("a miss at Lateral after %v", time.Duration(ns))
		}
		t.Logf("a miss at Lateral: %v", time.Duration(ns))
	}
}

// TestAsks: Lateral asks Java nodes for what it misses, and by name for what they
// hold, of which JCS 1.3 knows no question and does not answer. What is told
// them goes on meanwhile, on the connection that it had before.
func TestAsks(t *testing.T) {
	each(t, func(t *testing.T, g generation) {
		const own = "jcs.region.beta.elementattributes" // values of which do not travel
		more := []string{own + "=" + g.root + ".engine.ElementAttributes", own + ".IsLateral=false"}
		a, b := lab.Port(t), lab.Port(t)
		l := open(t, node{g: g, port: a, peers: []int{b}, more: append(more, asking[:2]...)})
		j := start(t, node{g: g, port: b, peers: []int{a}, more: more}) // which asks nobody
		linked(t, l, g, 1)
		reaches(t, "Lateral to Java", 0, lateralPuts(t, l), javaHas(j))
		misses(t, j, l)
		for _, key := range []string{"s:user:1", "s:user:2", "i:7"} {
			j.want("ok", "put alpha %s nulls:a,,b", key)
		}
		j.want("ok", "gput alpha grp s:user s:bob")
		group := cache.GroupKey("grp", "user")
		eventually(t, "the last put", func() bool { _, ok := held(t, l, group); return ok })
		do(t, l, cache.Command{Op: cache.RemoveAll, Origin: cache.LocalOnly})
		ask := func(op cache.Op, pattern string, limit time.Duration) cache.JavaHeld {
			t.Helper()
			h := askJava(t, l, limit, cache.Command{Op: op, Region: "alpha", Pattern: pattern})
			if h.Generation != g.family {
				t.Errorf("%+v", h)
			}
			return h
		}
		if g.profile == "jcs13" {
			for _, op := range []cache.Op{cache.Keys, cache.GetMatching} {
				if h := ask(op, "user.*", time.Second); !strings.Contains(h.Err, "does not know the question") {
					t.Errorf("%s: %+v", op, h)
				}
			}
		} else {
			for range 2 { // on the same connection, where there is one
				want := []string{group, cache.JavaKey('I', "7"), "user:1", "user:2"}
				if h := ask(cache.Keys, "", time.Minute); h.Err != "" || !slices.Equal(h.Keys, want) {
					t.Errorf("%+v", h)
				}
			}
			if h := ask(cache.Keys, "user.*|grp/.*", time.Minute); h.Err != "" || fmt.Sprint(len(h.Keys), h.Keys[1:]) != "3 [user:1 user:2]" {
				t.Errorf("%+v", h)
			}
			h := ask(cache.GetMatching, "user.*", time.Minute)
			if h.Err != "" || len(h.Elements) != 2 || h.Elements[1].Key != "user:2" {
				t.Fatalf("%+v", h)
			}
			if p, ok := jcs.Read(h.Elements[1].Value); !ok || fmt.Sprint(p) != "[a <nil> b]" {
				t.Errorf("%#v", p)
			}
			if h := ask(cache.GetMatching, "no.*", time.Minute); h.Err != "" || len(h.Elements) != 0 {
				t.Errorf("%+v", h)
			}
			askMany(t, j, l)
		}
		if n := l.Status().Regions[0].Elements; n != 0 {
			t.Errorf("%d elements were kept", n)
		}
		reaches(t, "Lateral to Java behind it", 2, lateralPuts(t, l), javaHas(j))
		reaches(t, "Java to Lateral behind it", 3, javaPuts(j), lateralHas(t, l))
		if c := l.Status().Endpoints[0].Counters; c["jcs_dialled"] != 1 {
			t.Errorf("the questions cost the connection for changes: %v", c)
		}
	})
}

// misses has Lateral miss what Java has, and what nobody has.
func misses(t *testing.T, j *jvm, l *lateral.Node) {
	t.Helper()
	for i := range 3 {
		j.want("ok", "put alpha s:there%d i:%d", i, i)
	}
	eventually(t, "the last put", func() bool { _, ok := held(t, l, "there2"); return ok })
	for i := range 3 {
		key := fmt.Sprint("there", i)
		do(t, l, cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: key})
		rep := do(t, l, cache.Command{Op: cache.Get, Key: key})
		if p, _ := jcs.Read(rep.Element.Value); p != int32(i) {
			t.Errorf("%s: %v", key, p)
		}
	}
	missed := make(chan bool)
	go func() {
		rep, err := l.Do(context.Background(), cache.Command{Op: cache.Get, Region: "alpha", Key: "nowhere"})
		missed <- err == nil && !rep.Found
	}()
	reaches(t, "behind an unanswered question", 1, lateralPuts(t, l), javaHas(j))
	if !<-missed {
		t.Error("what nobody has was found")
	}
	if n := l.Status().Endpoints[0].Counters["jcs_asked"]; n != 4 {
		t.Errorf("%d questions", n)
	}
	j.want("ok", "clear alpha")
	eventually(t, "clear", func() bool { return l.Status().Regions[0].Elements == 0 })
}

// askJava asks the one Java node that there is.
func askJava(t *testing.T, l *lateral.Node, limit time.Duration, c cache.Command) cache.JavaHeld {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	all, err := l.AskJava(ctx, c)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// askMany has a Java node answer with several megabytes.
func askMany(t *testing.T, j *jvm, l *lateral.Node) {
	t.Helper()
	const many = 20_000
	j.ask("fill beta many %d 200", many)
	if h := askJava(t, l, time.Minute, cache.Command{Op: cache.Keys, Region: "beta"}); h.Err != "" || len(h.Keys) != many {
		t.Errorf("%d keys, %s", len(h.Keys), h.Err)
	}
	h := askJava(t, l, time.Minute, cache.Command{Op: cache.GetMatching, Region: "beta", Pattern: "many.*"})
	if h.Err != "" || len(h.Elements) != many || !strings.HasPrefix(h.Elements[many-1].Value.Bytes, "xxx") {
		t.Errorf("%d elements, %s", len(h.Elements), h.Err)
	}
}
