// SPDX-License-Identifier: Apache-2.0

// Command goredis has go-redis work on two hosts, each operation on one, its
// effect on the other:
//
//	goredis ADDR-OF-A ADDR-OF-B
//
// It ends with "done" in both protocols, or says what was not so. Database 0
// answers when the other host has acknowledged.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

func main() {
	log.SetFlags(log.Lshortfile)
	for _, protocol := range []int{2, 3} {
		open := func(addr string) *redis.Client {
			o := &redis.Options{Addr: addr, Protocol: protocol}
			if strings.Contains(addr, "/") {
				o.Network = "unix"
			}
			return redis.NewClient(o)
		}
		a, b := open(os.Args[1]), open(os.Args[2])
		for _, part := range []func(ctx context.Context, a, b *redis.Client){values, hashes, transactions, messages, locks} {
			part(context.Background(), a, b)
			part(context.Background(), b, a)
		}
		fmt.Printf("RESP%d done\n", protocol)
		a.Close()
		b.Close()
	}
}

func must(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}

func same(got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		log.Output(2, fmt.Sprintf("got %v, want %v", got, want))
		os.Exit(1)
	}
}

func values(ctx context.Context, a, b *redis.Client) {
	must(a.Set(ctx, "k", "v", time.Hour).Err())
	same(b.Get(ctx, "k").Val(), "v")
	same(b.TTL(ctx, "k").Val() > 59*time.Minute, true)
	same(b.SetArgs(ctx, "k", "w", redis.SetArgs{Get: true, KeepTTL: true}).Val(), "v")
	same(a.GetEx(ctx, "k", time.Minute).Val(), "w")
	same(b.TTL(ctx, "k").Val() <= time.Minute, true)
	pipe := a.Pipeline()
	for i := range 200 {
		pipe.Incr(ctx, "n")
		pipe.Set(ctx, fmt.Sprint("p", i), i, 0)
	}
	_, err := pipe.Exec(ctx)
	must(err)
	same(b.Get(ctx, "n").Val(), 200)
	n := 0
	for it := b.Scan(ctx, 0, "p*", 100).Iterator(); it.Next(ctx); {
		n++
	}
	same(n, 200)
	same(b.MGet(ctx, "p1", "none", "p2").Val(), "[1 <nil> 2]")
	must(b.FlushDB(ctx).Err())
	same(a.Exists(ctx, "k", "n", "p1").Val(), 0)
	_, err = a.Get(ctx, "k").Result()
	same(err, redis.Nil)
}

func hashes(ctx context.Context, a, b *redis.Client) {
	must(a.HSet(ctx, "h", map[string]any{"user": "anna", "count": 1}).Err())
	var h struct {
		User  string `redis:"user"`
		Count int    `redis:"count"`
	}
	must(b.HGetAll(ctx, "h").Scan(&h))
	same(h, "{anna 1}")
	same(b.HIncrBy(ctx, "h", "count", 2).Val(), 3)
	same(a.HGet(ctx, "h", "count").Val(), 3)
	must(a.Del(ctx, "h").Err())
	same(b.Exists(ctx, "h").Val(), 0)
}

func transactions(ctx context.Context, a, b *redis.Client) {
	err := a.Watch(ctx, func(tx *redis.Tx) error {
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "t", 1, 0)
			return p.Incr(ctx, "t").Err()
		})
		return err
	}, "t")
	must(err)
	same(b.Get(ctx, "t").Val(), 2)
	err = a.Watch(ctx, func(tx *redis.Tx) error {
		must(b.Set(ctx, "t", 10, 0).Err()) // the other host interferes
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "t", 3, 0).Err() })
		return err
	}, "t")
	same(err, redis.TxFailedErr)
	same(a.Get(ctx, "t").Val(), 10)
	must(a.Del(ctx, "t").Err())
}

func messages(ctx context.Context, a, b *redis.Client) {
	sub := b.Subscribe(ctx, "news")
	defer sub.Close()
	_, err := sub.Receive(ctx)
	must(err)
	must(a.Publish(ctx, "news", "hello").Err())
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	m, err := sub.ReceiveMessage(ctx)
	must(err)
	same(m.Payload, "hello")
}

func locks(ctx context.Context, a, b *redis.Client) {
	release := redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end`)
	ok, err := a.SetNX(ctx, "lock", "mine", time.Minute).Result()
	must(err)
	same(ok, true)
	same(b.SetNX(ctx, "lock", "theirs", time.Minute).Val(), false)
	same(release.Run(ctx, b, []string{"lock"}, "theirs").Val(), 0)
	same(release.Run(ctx, b, []string{"lock"}, "mine").Val(), 1)
	_, err = a.Get(ctx, "lock").Result()
	if !errors.Is(err, redis.Nil) {
		must(fmt.Errorf("the lock that was released: %v", err))
	}
}
