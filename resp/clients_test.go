// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/valkey-io/valkey-go"
)

// goRedis connects go-redis to node i.
func (s *site) goRedis(i, db, protocol int) *goredis.Client {
	c := goredis.NewClient(&goredis.Options{Network: "unix", Addr: s.socks[i], DB: db, Protocol: protocol})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// eventually asks until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// go-redis on two nodes: each operation on one, its effect on the other.
func TestGoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", protocol), func(t *testing.T) {
			s := newSite(t, 2)
			s.t = t
			a, b := s.goRedis(0, 2, protocol), s.goRedis(1, 2, protocol)
			ctx := t.Context()
			check := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			check(a.Set(ctx, "k", "v", time.Hour).Err())
			eventually(t, "GET of the other's SET", func() bool { return b.Get(ctx, "k").Val() == "v" })
			if ttl := b.TTL(ctx, "k").Val(); ttl < 59*time.Minute || ttl > time.Hour {
				t.Errorf("it lives for %v", ttl)
			}
			if _, err := a.Get(ctx, "none").Result(); !errors.Is(err, goredis.Nil) {
				t.Errorf("nothing is %v", err)
			}
			check(b.HSet(ctx, "h", map[string]any{"a": 1, "b": "two"}).Err())
			eventually(t, "HGETALL of the other's HSET", func() bool { return fmt.Sprint(a.HGetAll(ctx, "h").Val()) == "map[a:1 b:two]" })
			pipe := a.Pipeline()
			for i := range 100 {
				pipe.Incr(ctx, "n")
				pipe.Set(ctx, fmt.Sprint("p", i), i, 0)
			}
			_, err := pipe.Exec(ctx)
			check(err)
			eventually(t, "the other's counter", func() bool { return b.Get(ctx, "n").Val() == "100" })
			eventually(t, "the other's pipeline", func() bool { return b.Get(ctx, "p99").Val() == "99" })
			if keys, _, err := b.Scan(ctx, 0, "p*", 1000).Result(); err != nil || len(keys) != 100 {
				t.Errorf("scan: %d keys, %v", len(keys), err)
			}
			check(a.Watch(ctx, func(tx *goredis.Tx) error {
				_, err := tx.TxPipelined(ctx, func(p goredis.Pipeliner) error { return p.Set(ctx, "k", "w", 0).Err() })
				return err
			}, "k"))
			eventually(t, "the other's transaction", func() bool { return b.Get(ctx, "k").Val() == "w" })
			sub := b.Subscribe(ctx, "news")
			defer sub.Close()
			_, err = sub.Receive(ctx)
			check(err)
			check(a.Publish(ctx, "news", "hello").Err())
			if m, err := sub.ReceiveMessage(ctx); err != nil || m.Payload != "hello" {
				t.Errorf("message %v, %v", m, err)
			}
			check(a.Del(ctx, "k").Err())
			eventually(t, "nothing after the other's DEL", func() bool { return b.Exists(ctx, "k").Val() == 0 })
			release := goredis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end`)
			if ok, err := a.SetNX(ctx, "lock", "me", time.Minute).Result(); err != nil || !ok {
				t.Errorf("lock: %v, %v", ok, err)
			}
			if n, err := release.Run(ctx, a, []string{"lock"}, "me").Int(); err != nil || n != 1 {
				t.Errorf("unlock: %d, %v", n, err)
			}
		})
	}
}

// valkey-go with client-side caching: what it keeps on one node is dropped
// when another is written to.
func TestValkeyGoCaching(t *testing.T) {
	s := newSite(t, 2)
	open := func(i int) valkey.Client {
		c, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{"lateral"}, SelectDB: 2, ForceSingleClient: true,
			DialCtxFn: func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
				return d.DialContext(ctx, "unix", s.socks[i])
			}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	a, b := open(0), open(1)
	ctx := t.Context()
	set := func(v string) {
		t.Helper()
		if err := b.Do(ctx, b.B().Set().Key("k").Value(v).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	get := func() (string, bool) {
		t.Helper()
		r := a.DoCache(ctx, a.B().Get().Key("k").Cache(), time.Hour)
		v, err := r.ToString()
		if err != nil && !valkey.IsValkeyNil(err) {
			t.Fatal(err)
		}
		return v, r.IsCacheHit()
	}
	set("0")
	// What is told of the write itself may come after it was read.
	eventually(t, "a hit of the first value", func() bool { v, hit := get(); return v == "0" && hit })
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 201 {
			set(fmt.Sprint(i))
		}
	})
	eventually(t, "the last value", func() bool { v, _ := get(); return v == "200" })
	wg.Wait()
	eventually(t, "a hit of the last value", func() bool { v, hit := get(); return v == "200" && hit })
}

// Other clients are listed with the names that they have given themselves.
func TestClientListNamesOthers(t *testing.T) {
	s := newSite(t, 1)
	a, b := s.client(0, "0"), s.client(0, "0")
	a.expect("OK", "CLIENT", "SETNAME", "anna")
	a.expect("OK", "CLIENT", "SETINFO", "LIB-NAME", "hand")
	if got := b.do("CLIENT", "LIST"); strings.Count(got, " name=anna age=") != 1 || strings.Count(got, " lib-name=hand lib-ver=\n") != 1 {
		t.Errorf("a client is listed to others without its name:\n%s", got)
	}
}

// Clients write large numbers with all their digits.
func TestLongNumbers(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "0")
	c.expect("OK", "SET", "n", strings.Repeat("9", 300))
	if got := c.do("INCRBYFLOAT", "n", "-1"+strings.Repeat("0", 299)); !strings.HasPrefix(got, "89999999") {
		t.Errorf("300 digits: %s", got)
	}
}
