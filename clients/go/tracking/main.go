// SPDX-License-Identifier: Apache-2.0

// Command tracking has valkey-go keep values in a client on one host while
// they change on another:
//
//	tracking measure DATABASE READER-ADDR WRITER-ADDR N
//	    how long N invalidations took from the write's being sent, one line
//	tracking flaps DATABASE READER-ADDR WRITER-ADDR
//	    writes and reads without end, and judges when told to; see flaps.go
//
// In database 0 (and any whose values travel) a change is a SET. Elsewhere,
// with "-source" before the arguments, the program itself is the data source:
// a change is a new version there and then a DEL, and who misses loads the
// version and SETs it.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valkey-io/valkey-go"
)

var source = flag.Bool("source", false, "this program is the data source: changes are removals")

func main() {
	log.SetFlags(0)
	flag.Parse()
	db, err := strconv.Atoi(flag.Arg(1))
	if err != nil {
		log.Fatal(err)
	}
	switch flag.Arg(0) {
	case "measure":
		n, err := strconv.Atoi(flag.Arg(4))
		if err != nil {
			log.Fatal(err)
		}
		measure(db, flag.Arg(2), flag.Arg(3), n)
	case "flaps":
		newFlaps(db, flag.Arg(2), flag.Arg(3)).serve(os.Stdin)
	default:
		log.Fatal("tracking measure or flaps: see its source")
	}
}

// open connects to HOST:PORT or a socket file. told is called with the keys of
// each invalidation, nil for all; nil wants no tracking.
func open(addr string, db int, told func(keys []string)) valkey.Client {
	o := valkey.ClientOption{InitAddress: []string{addr}, SelectDB: db, ForceSingleClient: true, DisableCache: told == nil,
		ConnWriteTimeout: time.Minute}
	if strings.Contains(addr, "/") {
		o.InitAddress = []string{"socket"}
		o.DialCtxFn = func(ctx context.Context, _ string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", addr)
		}
	}
	if told != nil {
		o.OnInvalidations = func(messages []valkey.ValkeyMessage) {
			var keys []string
			for _, m := range messages {
				if k, err := m.ToString(); err == nil {
					keys = append(keys, k)
				}
			}
			told(keys)
		}
	}
	c, err := valkey.NewClient(o)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

const kept = time.Hour // by the client: nothing of what is judged here goes by itself

// get reads as an application does: from the client's cache, else from the
// service; hit says which.
func get(c valkey.Client, key string) (value string, hit bool, err error) {
	r := c.DoCache(context.Background(), c.B().Get().Key(key).Cache(), kept)
	value, err = r.ToString()
	if valkey.IsValkeyNil(err) {
		err = nil
	}
	return value, r.IsCacheHit(), err
}

func set(c valkey.Client, key, value string) error {
	return c.Do(context.Background(), c.B().Set().Key(key).Value(value).Build()).Error()
}

func del(c valkey.Client, key string) error {
	return c.Do(context.Background(), c.B().Del().Key(key).Build()).Error()
}

// measure writes one key after another that the reader keeps, and waits for
// each invalidation.
func measure(db int, readerAddr, writerAddr string, n int) {
	const keys = 100
	type news struct {
		key string
		at  time.Time
	}
	told := make(chan news, 16*keys)
	reader := open(readerAddr, db, func(keys []string) {
		at := time.Now()
		for _, k := range keys {
			told <- news{k, at}
		}
	})
	writer := open(writerAddr, db, nil)
	took := make([]time.Duration, 0, n)
	for i := range n {
		key, value := "measured:"+strconv.Itoa(i%keys), strconv.Itoa(i)
		before, hit := "", false
		for end := time.Now().Add(20 * time.Second); !hit || before == "" && *source; { // held by the client
			var err error
			if before, hit, err = get(reader, key); err == nil && before == "" && *source {
				err = set(reader, key, "loaded")
			}
			if err != nil || time.Now().After(end) {
				log.Fatalf("%s is not kept: %v", key, err)
			}
		}
		for len(told) > 0 {
			<-told
		}
		began := time.Now()
		var err error
		if *source {
			err = del(writer, key)
		} else {
			err = set(writer, key, value)
		}
		if err != nil {
			log.Fatal(err)
		}
		for late := time.After(20 * time.Second); ; {
			select {
			case m := <-told:
				if m.key != key {
					continue
				}
				took = append(took, m.at.Sub(began))
			case <-late:
				log.Fatalf("write %d: %s was not invalidated within 20 s", i, key)
			}
			break
		}
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[min(int(share*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	fmt.Printf("%d invalidations: p50 %.2f ms, p99 %.2f ms, longest %.2f ms\n", n, at(0.5), at(0.99), at(1))
}
