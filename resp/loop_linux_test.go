// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"lateral/resp"
)

// others are as many clients as there are loops, so that each loop has one.
func others(s *site) []*conn {
	s.t.Helper()
	_, loops := s.fronts[0].Watched()
	if loops == 0 {
		s.t.Fatal("no loop serves the first client")
	}
	out := make([]*conn, loops)
	for i := range out {
		out[i] = s.client(0, "0")
	}
	return out
}

// watched waits until so many clients are left to loops.
func watched(s *site, want int) {
	s.t.Helper()
	got := 0
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if got, _ = s.fronts[0].Watched(); got == want {
			return
		}
	}
	s.t.Fatalf("loops serve %d clients, want %d", got, want)
}

// A client that does not read what it asked for keeps nobody of its loop
// waiting, and gets all of it, in order, when it reads.
func TestLoopAndDeafClient(t *testing.T) {
	s := newSite(t, 1)
	deaf := s.client(0, "0")
	value := strings.Repeat("v", 1<<20)
	deaf.expect("OK", "SET", "big", value)
	rest := others(s)
	const asked = 50
	go io.WriteString(deaf, strings.Repeat("GET big\r\n", asked))
	watched(s, len(rest))
	for _, c := range rest {
		c.expect("PONG", "PING")
	}
	for i := range asked {
		if got := deaf.answer(); got != value {
			t.Fatalf("answer %d has %d bytes", i, len(got))
		}
	}
	deaf.expect("PONG", "PING")
}

// What waits for a peer, or for a region, is carried out beside the loop.
func TestLoopAndWaiting(t *testing.T) {
	for _, request := range []string{"WAIT 1 0", "KEYS *", "DBSIZE", "MGET" + strings.Repeat(" k", 600)} {
		t.Run(strings.Fields(request)[0], func(t *testing.T) {
			s := newSite(t, 1)
			c := s.client(0, "0")
			id := c.do("CLIENT", "ID")
			rest := others(s)
			watched(s, 1+len(rest))
			c.send(strings.Fields(request)...)
			watched(s, len(rest))
			for _, other := range rest {
				other.expect("PONG", "PING")
			}
			rest[0].expect("#1", "CLIENT", "KILL", "ID", id[1:])
			if _, err := io.ReadAll(c); err != nil {
				t.Error("the connection of the killed client does not end: ", err)
			}
		})
	}
}

// Who is paused waits beside the loop.
func TestLoopAndPause(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "0")
	rest := others(s)
	rest[0].expect("OK", "CLIENT", "PAUSE", "600000", "WRITE")
	c.send("SET", "k", "v")
	watched(s, len(rest))
	for _, other := range rest {
		other.expect("nil", "GET", "k")
	}
	rest[0].expect("OK", "CLIENT", "UNPAUSE")
	if got := c.answer(); got != "OK" {
		t.Error(got)
	}
}

// A subscriber whose messages wait for it is served by its own goroutine when
// it speaks: the loop does not wait for its turn to write.
func TestLoopAndDeafSubscriber(t *testing.T) {
	s := newSite(t, 1, func(c *resp.Config) { c.PushLimit = 64 << 20 })
	deaf := s.client(0, "0")
	deaf.expect("[subscribe c #1]", "SUBSCRIBE", "c")
	rest := others(s)
	message := strings.Repeat("m", 1<<19)
	const sent = 16
	for range sent {
		if got := rest[0].do("PUBLISH", "c", message); got != "#1" {
			t.Fatal(got)
		}
	}
	io.WriteString(deaf, "PING\r\n")
	for _, c := range rest {
		c.expect("PONG", "PING")
	}
	for range sent {
		if got, want := deaf.answer(), "[message c "+message+"]"; got != want {
			t.Fatalf("%.40s", got)
		}
	}
	if got := deaf.answer(); got != "[pong ]" {
		t.Error(got)
	}
}

// Connections leave no descriptor behind, in whichever way they were served.
func TestLoopDescriptors(t *testing.T) {
	s := newSite(t, 1)
	s.client(0, "0").expect("PONG", "PING") // opens the loops
	before := descriptors(t)
	for i := range 60 {
		c := s.client(0, "0")
		switch i % 3 {
		case 0:
			c.expect("OK", "QUIT")
		case 1:
			c.do("KEYS", "*")
		}
		c.Close()
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if descriptors(t) <= before {
			return
		}
	}
	t.Errorf("%d descriptors, before %d", descriptors(t), before)
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// Many clients, some of which leave the loop, get their own answers.
func TestLoopManyClients(t *testing.T) {
	s := newSite(t, 1)
	done := make(chan error)
	const clients = 40
	for i := range clients {
		c := s.client(0, "0")
		go func() {
			for n := range 200 {
				key, value := fmt.Sprint("k", i), fmt.Sprint("v", n)
				c.send("SET", key, value)
				c.send("GET", key)
				if n == 100 && i%4 == 0 {
					c.send("DBSIZE")
				}
				want := []string{"OK", value}
				for _, w := range want {
					if got, err := c.read(); got != w {
						done <- fmt.Errorf("client %d, round %d: %q, %v, want %q", i, n, got, err, w)
						return
					}
				}
				if n == 100 && i%4 == 0 {
					c.read()
				}
			}
			done <- nil
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
