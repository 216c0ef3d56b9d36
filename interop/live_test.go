// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/internal/lab"
	"lateral/javaser"
	"lateral/jcs"
)

// open opens a Lateral node.
func open(t *testing.T, n node) *lateral.Node {
	n.more = append(n.more[:len(n.more):len(n.more)], ".TcpListenerHost=127.0.0.1")
	return openAt(t, n)
}

// openAt opens one that listens everywhere.
func openAt(t *testing.T, n node) *lateral.Node {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache.ccf")
	if err := os.WriteFile(path, []byte(n.ccf()), 0o644); err != nil {
		t.Fatal(err)
	}
	ln, err := lateral.Open(context.Background(), lateral.Config{Service: "live", Files: []string{path}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// pair is a Java and a Lateral node that know each other.
func pair(t *testing.T, g generation, more ...string) (*jvm, *lateral.Node) {
	t.Helper()
	a, b := lab.Port(t), lab.Port(t)
	l := open(t, node{g: g, port: a, peers: []int{b}, more: more})
	j := start(t, node{g: g, port: b, peers: []int{a}, more: more})
	linked(t, l, g, 1)
	return j, l
}

// linked waits until the node has dialled so many Java nodes.
func linked(t *testing.T, l *lateral.Node, g generation, n int) {
	t.Helper()
	eventually(t, "the Java node is dialled", func() bool {
		have := 0
		for _, k := range l.Status().Endpoints[0].Links {
			if k.Protocol == g.family && k.Direction == "out" {
				have++
			}
		}
		return have == n
	})
}

func do(t *testing.T, l *lateral.Node, c cache.Command) cache.Reply {
	t.Helper()
	if c.Region == "" {
		c.Region = "alpha"
	}
	rep, err := l.Do(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Op == cache.Remove || c.Op == cache.RemoveGroup || c.Op == cache.RemoveAll {
		nextMilli()
	}
	return rep
}

// nextMilli returns in the next millisecond of the wall clock. JCS writes no
// more of a creation's time, so what Java puts within the one of a removal here
// is older than the removal (jcs/link, Stamps): a test that removes, sees it
// done and lets Java put again is fast enough for that, about every second time.
func nextMilli() {
	for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		time.Sleep(100 * time.Microsecond)
	}
}

// held looks a key up in memory.
func held(t *testing.T, l *lateral.Node, key string) (cache.Element, bool) {
	rep := do(t, l, cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Key: key})
	return rep.Element, rep.Found
}

func put(t *testing.T, l *lateral.Node, key string, v any) {
	t.Helper()
	val, err := jcs.Make(v)
	if err != nil {
		t.Fatal(err)
	}
	do(t, l, cache.Command{Op: cache.Put, Key: key, Value: val})
}

var values = map[string]any{
	"s:value":                             []byte("value"),
	"s:v%C3%A4rde-%E2%82%AC-%F0%9F%98%80": []byte("värde-€-😀"),
	"s:nul%00in":                          []byte("nul\x00in"),
	"s:":                                  []byte(""),
	"i:42":                                int32(42),
	"l:9000000000":                        int64(9000000000),
	"d:2.5":                               2.5,
	"b:true":                              true,
	"t:86400000":                          time.UnixMilli(86400000).UTC(),
	"list:a,b":                            []any{"a", "b"},
	"nulls:a,,b":                          []any{"a", nil, "b"},
	"nulls:":                              []any{nil},
	"set:a":                               javaser.Set{"a"},
	"map:k%3Dv":                           javaser.Map{{Key: "k", Value: "v"}},
}

// TestValues: what one side puts the other reads, and the same put by the
// other is the same to the one.
func TestValues(t *testing.T) {
	each(t, func(t *testing.T, g generation) {
		j, l := pair(t, g)
		n := 0
		for literal, want := range values {
			n++
			key := fmt.Sprintf("java%d", n)
			j.want("ok", "put alpha s:%s %s", key, literal)
			eventually(t, literal+" from Java", func() bool { _, ok := held(t, l, key); return ok })
			e, _ := held(t, l, key)
			if p, ok := jcs.Read(e.Value); !ok || !reflect.DeepEqual(p, want) {
				t.Errorf("%s is read as %#v", literal, p)
			}
			key = fmt.Sprintf("lateral%d", n)
			do(t, l, cache.Command{Op: cache.Put, Key: key, Value: e.Value})
			eventually(t, literal+" from Lateral", func() bool { return j.get("alpha", "s:"+key) != "null" })
			if got := j.get("alpha", "s:"+key); got != literal {
				t.Errorf("Java reads %s as %s", literal, got)
			}
		}
		// A put of null is refused where it is made: there is no such element, on
		// either side, and an answer of null is a miss.
		if got := j.ask("put alpha s:null null:"); !strings.HasPrefix(got, "error ") {
			t.Errorf("JCS puts null: %s", got)
		}
		j.want("ok", "put alpha s:bytes x:00ff80")
		j.want("ok", "put alpha s:text x:74657874")
		j.want("ok", "put alpha s:half u:")
		j.want("ok", "put alpha s:person person:Ann")
		j.want("ok", "put alpha s:last s:x")
		eventually(t, "the last", func() bool { _, ok := held(t, l, "last"); return ok })
		for key, back := range map[string]string{"bytes": "x:00ff80", "half": j.get("alpha", "s:half"), "person": "person:Ann3truetrue"} {
			e, _ := held(t, l, key)
			do(t, l, cache.Command{Op: cache.Put, Key: key + "2", Value: e.Value})
			eventually(t, key, func() bool { return j.get("alpha", "s:"+key+"2") != "null" })
			if got := j.get("alpha", "s:"+key+"2"); got != back {
				t.Errorf("%s came back as %s, want %s", key, got, back)
			}
		}
		if _, ok := held(t, l, "null"); ok {
			t.Error("null has arrived")
		}
		put(t, l, "text", nil) // a removal, to JCS
		eventually(t, "null from Lateral", func() bool { return j.get("alpha", "s:text") == "null" })
		e, _ := held(t, l, "person")
		if tree := jcs.Tree(e.Value); !strings.HasPrefix(tree, "Driver$Person") || !strings.Contains(tree, `name = "Ann"`) {
			t.Error(tree)
		}
		put(t, l, "big", strings.Repeat("x", 1<<20))
		eventually(t, "1 MiB from Lateral", func() bool { return j.get("alpha", "s:big") == "n:1048576" })
		j.want("ok", "put alpha s:big2 n:1048576")
		eventually(t, "1 MiB from Java", func() bool { e, _ := held(t, l, "big2"); return len(e.Value.Bytes) == 1<<20 })
	})
}

// TestCommands: everything that can be said, both ways.
func TestCommands(t *testing.T) {
	each(t, func(t *testing.T, g generation) {
		j, l := pair(t, g)
		both := func(what string, here, there bool, key, literal string) {
			t.Helper()
			eventually(t, what+" here", func() bool { _, ok := held(t, l, key); return ok == here })
			eventually(t, what+" there", func() bool { return (j.get("alpha", literal) != "null") == there })
		}
		// Keys that are no strings, and removal, both ways.
		for key, literal := range map[string]string{"k": "s:k", "clé-漢字-😀": "s:cl%C3%A9-%E6%BC%A2%E5%AD%97-%F0%9F%98%80", cache.JavaKey('I', "7"): "i:7", cache.JavaKey('J', "7"): "l:7"} {
			j.want("ok", "put alpha %s s:v", literal)
			both("put by Java of "+literal, true, true, key, literal)
			do(t, l, cache.Command{Op: cache.Remove, Key: key})
			both("removal by Lateral of "+literal, false, false, key, literal)
			put(t, l, key, "v")
			both("put by Lateral of "+literal, true, true, key, literal)
			j.want("ok", "remove alpha %s", literal)
			both("removal by Java of "+literal, false, false, key, literal)
		}
		// Prefixes.
		prefix := func() {
			j.want("ok", "put alpha s:a:1 s:v")
			put(t, l, "a:2", "v")
			put(t, l, "b:1", "v")
			both("a:1", true, true, "a:1", "s:a:1")
			both("a:2", true, true, "a:2", "s:a:2")
			both("b:1", true, true, "b:1", "s:b:1")
		}
		prefix()
		j.want("ok", "remove alpha s:a:")
		both("prefix removed by Java", false, false, "a:2", "s:a:2")
		both("the other prefix", true, true, "b:1", "s:b:1")
		prefix()
		do(t, l, cache.Command{Op: cache.Remove, Key: "a:"})
		both("prefix removed by Lateral", false, false, "a:1", "s:a:1")
		both("the other prefix", true, true, "b:1", "s:b:1")
		groups(t, j, l)
		// The whole region.
		j.want("ok", "put alpha s:one s:v")
		put(t, l, "two", "v")
		both("one", true, true, "one", "s:one")
		both("two", true, true, "two", "s:two")
		j.want("ok", "clear alpha")
		both("clear by Java", false, false, "two", "s:two")
		j.want("ok", "put alpha s:one s:again")
		both("a put just behind a clear", true, true, "one", "s:one")
		do(t, l, cache.Command{Op: cache.RemoveAll})
		both("clear by Lateral", false, false, "one", "s:one")
		// Lifetimes.
		j.want("ok", "lives alpha s:ttl s:v 3600 1800")
		eventually(t, "ttl", func() bool { _, ok := held(t, l, "ttl"); return ok })
		if e, _ := held(t, l, "ttl"); e.Attr.Eternal || e.Attr.MaxLife != time.Hour || e.Attr.MaxIdle != 30*time.Minute {
			t.Errorf("%+v", e.Attr)
		}
		// Regions are apart.
		j.want("ok", "put beta s:k s:other")
		eventually(t, "the other region", func() bool {
			return do(t, l, cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: "beta", Key: "k"}).Found
		})
		if _, ok := held(t, l, "k"); ok {
			t.Error("regions are mixed up")
		}
		if c := l.Status().Endpoints[0].Counters; c["jcs_skipped"]+c["jcs_unapplied"]+c["jcs_untold"]+c["jcs_refused"] > 0 {
			t.Errorf("%v", c)
		}
	})
}

func groups(t *testing.T, j *jvm, l *lateral.Node) {
	t.Helper()
	user, mail, three := cache.GroupKey("g", "user"), cache.GroupKey("g", "mail"), cache.GroupKey("h", cache.JavaKey('I', "3"))
	fill := func() {
		j.want("ok", "gput alpha g s:user s:bob")
		put(t, l, mail, "bob@x")
		j.want("ok", "gput alpha h i:3 i:33")
		for _, k := range []string{user, mail, three} {
			eventually(t, cache.KeyText(k), func() bool { _, ok := held(t, l, k); return ok })
		}
		eventually(t, "the mail there", func() bool { return j.ask("gget alpha g s:mail") == "s:bob%40x" })
	}
	gone := func(what string) {
		t.Helper()
		for _, k := range []string{user, mail} {
			eventually(t, what+" here", func() bool { _, ok := held(t, l, k); return !ok })
		}
		for _, k := range []string{"user", "mail"} {
			eventually(t, what+" there", func() bool { return j.ask("gget alpha g s:%s", k) == "null" })
		}
		if _, ok := held(t, l, three); !ok || j.ask("gget alpha h i:3") != "i:33" {
			t.Errorf("%s took another group with it", what)
		}
	}
	fill()
	do(t, l, cache.Command{Op: cache.RemoveGroup, Key: "g"})
	gone("a group removed by Lateral")
	fill()
	j.want("ok", "gremove alpha g s:user")
	eventually(t, "one element removed by Java", func() bool { _, ok := held(t, l, user); return !ok })
	if _, ok := held(t, l, mail); !ok {
		t.Error("the other is gone, too")
	}
	do(t, l, cache.Command{Op: cache.RemoveGroup, Key: "g"}) // so that what fill waits for is what it puts
	gone("a group removed by Lateral again")
	fill()
	j.want("ok", "ginvalidate alpha g")
	gone("a group removed by Java")
}

// TestRemoveOnPut: invalidation with Java's hashCode, both ways.
func TestRemoveOnPut(t *testing.T) {
	each(t, func(t *testing.T, g generation) {
		j, l := pair(t, g, ".IssueRemoveOnPut=true", ".FilterRemoveByHashCode=true")
		for n, literal := range []string{"s:same", "i:42", "l:9000000000", "l:-1", "d:2.5", "d:-0.0", "list:a,b", "nulls:a,,b", "map:k%3Dv", "t:86400000", "b:false"} {
			for _, way := range []string{"Java", "Lateral"} {
				key := fmt.Sprintf("k%d%s", n, way)
				j.want("ok", "put alpha s:%s %s", key, literal)
				v, _ := values[literal]
				switch literal {
				case "s:same":
					v = "same"
				case "b:false":
					v = false
				case "d:-0.0":
					v = math.Copysign(0, -1)
				case "l:-1":
					v = int64(-1)
				}
				fence(t, j, l)
				put(t, l, key, v) // tells the Java node to drop it, unless it holds the same
				fence(t, j, l)
				j.want("ok", "put alpha s:%s %s", key, literal) // and the reverse
				fence(t, j, l)
				if got := j.get("alpha", "s:"+key); got != literal {
					t.Errorf("Java dropped %s although Lateral put the same: %s", literal, got)
				}
				if _, ok := held(t, l, key); !ok {
					t.Errorf("Lateral dropped %s although Java put the same", literal)
				}
			}
			key := fmt.Sprintf("other%d", n)
			j.want("ok", "put alpha s:%s %s", key, literal)
			fence(t, j, l)
			put(t, l, key, "different")
			eventually(t, "Java drops "+literal, func() bool { return j.get("alpha", "s:"+key) == "null" })
			j.want("ok", "put alpha s:%s %s", key, literal)
			eventually(t, "Lateral drops it", func() bool { _, ok := held(t, l, key); return !ok })
		}
		// The hash of Integer -1 is the protocol's word for none.
		put(t, l, "minus", int32(-1))
		j.want("ok", "put alpha s:minus i:-1")
		eventually(t, "Lateral drops -1", func() bool { _, ok := held(t, l, "minus"); return !ok })
		// A byte[] has no hashCode of its content: it is dropped by the very same.
		put(t, l, "bytes", []byte("\x00\xff\x80"))
		j.want("ok", "put alpha s:bytes x:00ff80")
		eventually(t, "Lateral drops a byte[]", func() bool { _, ok := held(t, l, "bytes"); return !ok })
		put(t, l, "bytes", []byte("\x00\xff\x80"))
		eventually(t, "Java drops a byte[]", func() bool { return j.get("alpha", "s:bytes") == "null" })
	})
}

// fence returns when each side has done what the other said before.
func fence(t *testing.T, j *jvm, l *lateral.Node) {
	t.Helper()
	j.want("ok", "put alpha s:fence s:a")
	put(t, l, "fence", "b") // after which Java's is gone
	eventually(t, "Java has heard all", func() bool { return j.get("alpha", "s:fence") == "null" })
	j.want("ok", "put alpha s:fence s:c")
	eventually(t, "Lateral has heard all", func() bool { _, ok := held(t, l, "fence"); return !ok })
}

// TestSerializers: what JCS 3 wraps its frames in, both ways.
func TestSerializers(t *testing.T) {
	needJava(t)
	g := generations[2]
	const ser = "jcs.auxiliary.LTCP.serializer"
	encrypting := []string{ser + "=" + g.root + ".utils.serialization.EncryptingSerializer", ser + ".attributes.PreSharedKey=my_super_secret"}
	for name, more := range map[string][]string{
		"compressing": {ser + "=" + g.root + ".utils.serialization.CompressingSerializer"},
		"ECB":         encrypting,
		"GCM":         append(encrypting[:2:2], ser+".attributes.AesCipherTransformation=AES/GCM/NoPadding"),
	} {
		t.Run(name, func(t *testing.T) {
			j, l := pair(t, g, append(more[:len(more):len(more)], asking[:2]...)...)
			reaches(t, "Lateral to Java", 1, lateralPuts(t, l), javaHas(j))
			reaches(t, "Java to Lateral", 2, javaPuts(j), lateralHas(t, l))
			j.want("ok", "put alpha s:big n:100000")
			eventually(t, "a large value", func() bool { e, _ := held(t, l, "big"); return len(e.Value.Bytes) == 100000 })
			all, err := l.AskJava(context.Background(), cache.Command{Op: cache.Keys, Region: "alpha", Pattern: "big"})
			if err != nil || len(all) != 1 || all[0].Err != "" || len(all[0].Keys) != 1 {
				t.Errorf("%+v, %v", all, err)
			}
			do(t, l, cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "here", Value: cache.Value{Bytes: "v"}})
			if got := j.get("alpha", "s:here"); got != "s:v" {
				t.Errorf("Java asks Lateral: %s", got)
			}
			if c := l.Status().Endpoints[0].Counters; c["jcs_skipped"]+c["jcs_refused"] > 0 {
				t.Errorf("%v", c)
			}
		})
	}
}

// reaches waits until what one puts the other has.
func reaches(t *testing.T, what string, n int, put func(key string), has func(key string) bool) {
	t.Helper()
	began := time.Now()
	i := 0
	eventually(t, what, func() bool {
		i++
		key := fmt.Sprintf("reach%d.%d", n, i) // JCS keeps nothing for who is not connected yet
		put(key)
		for range 4 {
			if has(key) {
				return true
			}
			time.Sleep(5 * time.Millisecond)
		}
		return false
	})
	t.Logf("%s: after %v", what, time.Since(began).Round(time.Millisecond))
}

func javaPuts(j *jvm) func(string) {
	return func(k string) { j.want("ok", "put alpha s:%s s:v", k) }
}

func javaHas(j *jvm) func(string) bool {
	return func(k string) bool { return j.get("alpha", "s:"+k) == "s:v" }
}

func lateralPuts(t *testing.T, l *lateral.Node) func(string) {
	return func(k string) { put(t, l, k, "v") }
}

func lateralHas(t *testing.T, l *lateral.Node) func(string) bool {
	return func(k string) bool { _, ok := held(t, l, k); return ok }
}
