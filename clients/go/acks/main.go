// SPDX-License-Identifier: Apache-2.0

// Command acks has go-redis write to the service of this host, where a write is
// answered when another host has acknowledged it, and looks there for what was
// answered. It is talked to by lines:
//
//	acks DATABASE ADDR-OF-OTHER
//
//	#1 set PREFIX N     #1 NUMBER stored, NUMBER refused
//	#2 missing          #2 NUMBER of those stored that the other host does not have
//	#3 late             #3 NUMBER of those refused that it does not have
//
// Some writers set at once; when 20 are answered it says "under way PREFIX", and
// when 20 are refused it ends.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	addr    = "127.0.0.1:6379" // the service of this host
	writers = 8
	enough  = 20
)

// A tester knows what it was answered.
type tester struct {
	here, there     *redis.Client
	mu              sync.Mutex
	stored, refused map[string]string
}

func main() {
	db, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	// Nothing is tried again: each request has one answer.
	t := &tester{stored: map[string]string{}, refused: map[string]string{},
		here:  redis.NewClient(&redis.Options{Addr: addr, DB: db, MaxRetries: -1, ReadTimeout: time.Minute, PoolSize: writers}),
		there: redis.NewClient(&redis.Options{Network: "unix", Addr: os.Args[2], DB: db, ReadTimeout: time.Minute})}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		w := strings.Fields(in.Text())
		fmt.Println(w[0], t.answer(w[1:]))
	}
}

func (t *tester) answer(w []string) string {
	switch w[0] {
	case "set":
		n, err := strconv.Atoi(w[2])
		if err != nil {
			return err.Error()
		}
		return t.set(w[1], n)
	case "missing":
		return t.lacks(t.stored)
	case "late":
		return t.lacks(t.refused)
	}
	return "what?"
}

func (t *tester) set(prefix string, n int) string {
	var group sync.WaitGroup
	var answered, stored, refused int
	other := ""
	turns := make(chan int)
	given := func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return refused >= enough
	}
	for range writers {
		group.Go(func() {
			for i := range turns {
				key, value := fmt.Sprint(prefix, i), fmt.Sprint("value of ", prefix, i)
				err := t.here.Set(context.Background(), key, value, 0).Err()
				t.mu.Lock()
				switch {
				case err == nil:
					t.stored[key], stored = value, stored+1
				case strings.HasPrefix(err.Error(), "NOREPLICAS"):
					t.refused[key], refused = value, refused+1
				default:
					other = err.Error()
				}
				if answered++; answered == enough {
					fmt.Println("under way", prefix)
				}
				t.mu.Unlock()
			}
		})
	}
	for i := 0; i < n && !given(); i++ {
		turns <- i
	}
	close(turns)
	group.Wait()
	if other != "" {
		return other
	}
	return fmt.Sprintf("%d stored, %d refused", stored, refused)
}

func (t *tester) lacks(keys map[string]string) string {
	n := 0
	for key, value := range keys {
		if got, err := t.there.Get(context.Background(), key).Result(); err != nil && err != redis.Nil {
			return err.Error()
		} else if got != value {
			n++
		}
	}
	return strconv.Itoa(n)
}
