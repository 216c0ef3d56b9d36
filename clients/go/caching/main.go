// SPDX-License-Identifier: Apache-2.0

// Command caching is a Go client with client-side caching, talked to by lines
// as java/jedis/Driver.java is:
//
//	caching go-redis|valkey-go DATABASE
//
//	#1 get KEY          #1 VALUE hits HITS
//	#2 set KEY VALUE    #2 OK
//	#3 del KEY          #3 NUMBER
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/valkey-io/valkey-go"
)

// addr is the service of this host.
const addr = "127.0.0.1:6379"

// A cacher is a client, whichever.
type cacher interface {
	get(key string) (value string, hits uint64, err error)
	set(key, value string) error
	del(key string) (int64, error)
}

func main() {
	db, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var c cacher
	switch os.Args[1] {
	case "go-redis": // it caches database 0 only
		c = &goRedis{redis.NewClient(&redis.Options{Addr: addr, DB: db, Protocol: 3,
			ClientSideCacheConfig: &redis.ClientSideCacheConfig{MaxStaleness: time.Hour, DrainInterval: 10 * time.Millisecond}})}
	case "valkey-go":
		v, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{addr}, SelectDB: db, ForceSingleClient: true})
		if err != nil {
			log.Fatal(err)
		}
		c = &valkeyGo{Client: v}
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		w := strings.Fields(in.Text())
		fmt.Println(w[0], answer(c, w[1:]))
	}
}

func answer(c cacher, w []string) string {
	var out string
	var err error
	switch w[0] {
	case "get":
		var v string
		var hits uint64
		v, hits, err = c.get(w[1])
		out = fmt.Sprint(v, " hits ", hits)
	case "set":
		out, err = "OK", c.set(w[1], w[2])
	case "del":
		var n int64
		n, err = c.del(w[1])
		out = fmt.Sprint(n)
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return out
}

type goRedis struct{ *redis.Client }

func (c *goRedis) get(key string) (string, uint64, error) {
	v, err := c.Get(context.Background(), key).Result()
	if errors.Is(err, redis.Nil) {
		v, err = "null", nil
	}
	return v, c.CSCStats().Hits, err
}

func (c *goRedis) set(key, value string) error {
	return c.Set(context.Background(), key, value, 0).Err()
}

func (c *goRedis) del(key string) (int64, error) {
	return c.Del(context.Background(), key).Result()
}

type valkeyGo struct {
	valkey.Client
	hits uint64
}

func (c *valkeyGo) get(key string) (string, uint64, error) {
	r := c.DoCache(context.Background(), c.B().Get().Key(key).Cache(), time.Hour)
	v, err := r.ToString()
	if valkey.IsValkeyNil(err) {
		v, err = "null", nil
	}
	if r.IsCacheHit() {
		c.hits++
	}
	return v, c.hits, err
}

func (c *valkeyGo) set(key, value string) error {
	return c.Do(context.Background(), c.B().Set().Key(key).Value(value).Build()).Error()
}

func (c *valkeyGo) del(key string) (int64, error) {
	return c.Do(context.Background(), c.B().Del().Key(key).Build()).AsInt64()
}
