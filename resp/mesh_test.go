// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"strings"
	"testing"

	"lateral/cache"
)

// What SET means follows from the region.
func TestSetOnOneNodeSeenOnTheOther(t *testing.T) {
	s := newSite(t, 2)
	for _, c := range []struct{ db, want string }{{"0", "old"}, {"1", "nil"}, {"2", "new"}, {"3", "new"}} {
		a, b := s.client(0, c.db), s.client(1, c.db)
		b.do("SET", "k", "old")
		if c.db == "2" || c.db == "3" {
			a.until("old", "GET", "k")
		}
		switch c.db {
		case "1": // a fill is no change; who changes the source removes the key
			a.expect("#0", "DEL", "k")
		default:
			a.expect("OK", "SET", "k", "new")
		}
		b.until(c.want, "GET", "k")
	}
}

func TestLifetimesTravelWithValues(t *testing.T) {
	s := newSite(t, 2)
	a, b := s.client(0, "2"), s.client(1, "2")
	a.expect("OK", "SET", "k", "v", "EX", "1000")
	b.until("#1000", "TTL", "k")
	b.expect("#1", "EXPIRE", "k", "5000")
	a.until("#5000", "TTL", "k")
	b.expect("#1", "PERSIST", "k")
	a.until("#-1", "TTL", "k")
	b.expect("#1", "PEXPIRE", "k", "1")
	a.until("nil", "GET", "k")
	a.expect("#-2", "TTL", "k")
}

// Two nodes write different fields of one session at once.
func TestHashesMergeByField(t *testing.T) {
	s := newSite(t, 2)
	a, b := s.client(0, "2"), s.client(1, "2")
	a.expect("#1", "HSET", "s", "user", "anna")
	b.until("anna", "HGET", "s", "user")
	for i := range 50 {
		a.send("HSET", "s", fmt.Sprint("a", i), "1")
		b.send("HSET", "s", fmt.Sprint("b", i), "1")
	}
	for range 50 {
		a.answer()
		b.answer()
	}
	a.until("#101", "HLEN", "s")
	b.until("#101", "HLEN", "s")
	a.expect("#1", "HDEL", "s", "user")
	b.until("#0", "HEXISTS", "s", "user")
	a.expect("#1", "DEL", "s")
	b.until("none", "TYPE", "s")
}

func TestMessagesReachOtherNodes(t *testing.T) {
	s := newSite(t, 2)
	a, b, p := s.client(0, "0"), s.client(1, "0"), s.client(1, "0")
	a.do("HELLO", "3")
	a.expect(">subscribe news #1<", "SUBSCRIBE", "news")
	b.expect("[subscribe news #1]", "SUBSCRIBE", "news")
	b.expect("[psubscribe n* #2]", "PSUBSCRIBE", "n*")
	if got := b.do("GET", "k"); !strings.HasPrefix(got, "-ERR Can't execute 'get'") {
		t.Errorf("a subscriber of RESP2 may do more: %s", got)
	}
	a.expect("nil", "GET", "k")
	p.expect("#2", "PUBLISH", "news", "hello") // those of its own node
	if got := a.answer(); got != ">message news hello<" {
		t.Error(got)
	}
	if got := b.answer() + b.answer(); got != "[message news hello][pmessage n* news hello]" {
		t.Error(got)
	}
	p.expect("[news #1]", "PUBSUB", "NUMSUB", "news")
	b.expect("[unsubscribe news #1]", "UNSUBSCRIBE")
	b.expect("[punsubscribe n* #0]", "PUNSUBSCRIBE", "n*")
	p.expect("#0", "PUBLISH", "news", "again")
	if got := a.answer(); got != ">message news again<" {
		t.Error(got)
	}
	b.expect("nil", "GET", "k")
}

// A message that was published before a client unsubscribed comes before the
// confirmation of that.
func TestNoMessageAfterUnsubscribe(t *testing.T) {
	s := newSite(t, 1)
	a, p := s.client(0, "0"), s.client(0, "0")
	for range 500 {
		a.expect("[subscribe news #1]", "SUBSCRIBE", "news")
		p.expect("#1", "PUBLISH", "news", "hello")
		a.send("UNSUBSCRIBE", "news")
		if got := a.answer() + a.answer(); got != "[message news hello][unsubscribe news #0]" {
			t.Fatal(got)
		}
	}
}

func TestNotificationsOfOwnAndOthersChanges(t *testing.T) {
	s := newSite(t, 2)
	a, b, l := s.client(0, "2"), s.client(1, "2"), s.client(1, "2")
	b.expect("OK", "CONFIG", "SET", "notify-keyspace-events", "AKE")
	b.expect("[notify-keyspace-events AKE]", "CONFIG", "GET", "notify-keyspace-events")
	l.do("PSUBSCRIBE", "__key*__:*")
	next := func(want string) {
		t.Helper()
		if got := l.answer() + l.answer(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	told := func(event, key string) string {
		return "[pmessage __key*__:* __keyspace@2__:" + key + " " + event + "][pmessage __key*__:* __keyevent@2__:" + event + " " + key + "]"
	}
	b.do("SET", "k", "v")
	next(told("set", "k"))
	a.do("HSET", "h", "f", "v")
	next(told("hset", "h"))
	a.do("DEL", "h")
	next(told("del", "h"))
	b.do("SET", "gone", "v", "PX", "1")
	next(told("set", "gone"))
	b.until("nil", "GET", "gone")
	next(told("expired", "gone"))
}

func TestWait(t *testing.T) {
	s := newSite(t, 3)
	a := s.client(0, "2")
	a.expect("OK", "SET", "k", "v")
	a.expect("#2", "WAIT", "2", "10000")
	a.expect("#2", "WAIT", "5", "1")
	for i := range 2 {
		s.client(i+1, "2").expect("v", "GET", "k")
	}
	local := s.client(0, "0")
	local.expect("OK", "SET", "k", "v")
	local.expect("#0", "WAIT", "1", "1")
}

// A region of sessions keeps its promise, or says that it cannot.
func TestNoReplicas(t *testing.T) {
	s := newSite(t, 1)
	a := s.client(0, "3")
	for _, line := range []string{"SET k v", "HSET h f v", "INCR n", "DEL k", "EXPIRE n 100"} {
		if got := a.words(line); !strings.HasPrefix(got, "-NOREPLICAS ") {
			t.Errorf("%s alone: %s", line, got)
		}
	}
	a.expect("OK", "MULTI")
	a.expect("QUEUED", "SET", "k", "v")
	if got := a.do("EXEC"); !strings.HasPrefix(got, "-NOREPLICAS ") {
		t.Errorf("EXEC alone: %s", got)
	}
	a.expect("v", "GET", "k") // it is stored here
	a.expect("OK", "SELECT", "2")
	a.expect("OK", "SET", "k", "v")

	two := newSite(t, 2)
	a = two.client(0, "3")
	for i := range 100 {
		key := fmt.Sprint(i)
		a.expect("OK", "SET", key, "v")
		if _, err := two.nodes[1].Do(t.Context(), cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: "Ses", Key: key}); err != nil {
			t.Fatal(err)
		}
		two.client(1, "3").expect("v", "GET", key)
	}
}
