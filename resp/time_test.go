// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/ccf"
	"lateral/lateraltest"
	"lateral/resp"
)

// A hall is a front in virtual time. What is written to its clients waits until
// they read it: there is nothing between.
type hall struct {
	t  *testing.T
	ln pipes
}

// inTime runs a test with a front, whose configuration it may edit.
func inTime(t *testing.T, edit func(c *resp.Config), test func(t *testing.T, h *hall)) {
	synctest.Test(t, func(t *testing.T) {
		inHall(t, lateraltest.New(t, 1).Node(0), edit, test)
	})
}

// inHall has a front of a node, within virtual time.
func inHall(t *testing.T, node *lateral.Node, edit func(c *resp.Config), test func(t *testing.T, h *hall)) {
	m, err := resp.ParseMap("0=R")
	if err != nil {
		t.Fatal(err)
	}
	c := resp.Config{Map: m, Open: func(name string) (resp.Region, error) { return node.Store(name) }}
	edit(&c)
	f, err := resp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	h, done := &hall{t, make(pipes)}, make(chan error, 1)
	go func() { done <- f.Run(ctx, h.ln) }()
	test(t, h)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (h *hall) connect() *conn {
	c := h.open()
	h.t.Cleanup(func() { c.Close() })
	return c
}

// open connects; the caller closes it.
func (h *hall) open() *conn {
	ours, theirs := net.Pipe()
	h.ln <- theirs
	return &conn{h.t, ours, bufio.NewReader(ours)}
}

// wantEnd waits until a connection is closed, and wants that between two
// moments from now; what comes before is dropped.
func wantEnd(t *testing.T, name string, c *conn, least, most time.Duration) {
	t.Helper()
	began := time.Now()
	c.SetReadDeadline(began.Add(2 * most))
	_, err := io.Copy(io.Discard, c.r)
	if took := time.Since(began); err != nil || took < least || took > most {
		t.Errorf("%s: it ended after %v with %v, want between %v and %v", name, took, err, least, most)
	}
}

// stat is what INFO says of a name.
func (c *conn) stat(name string) string {
	c.t.Helper()
	for line := range strings.SplitSeq(c.do("INFO"), "\r\n") {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return v
		}
	}
	c.t.Fatalf("INFO does not say %s", name)
	return ""
}

// TestStrangersGo: who does not give the password in ten seconds has no
// connection any more, also one that was in and left; who is in may be idle.
func TestStrangersGo(t *testing.T) {
	inTime(t, func(c *resp.Config) { locked(t)(c) }, func(t *testing.T, h *hall) {
		in, out, silent := h.connect(), h.connect(), h.connect()
		in.expect("OK", "AUTH", "secret")
		out.expect("OK", "AUTH", "secret")
		time.Sleep(5 * time.Second)
		wantEnd(t, "silent", silent, 4*time.Second, 6*time.Second)
		time.Sleep(time.Minute)
		in.expect("nil", "GET", "k")
		out.expect("RESET", "RESET")
		wantEnd(t, "reset", out, 9*time.Second, 12*time.Second)
		in.expect("nil", "GET", "k")
	})
}

// TestIdleTimeout: who asks for nothing is closed after IdleTimeout and not
// before; who asks for something, or listens, stays.
func TestIdleTimeout(t *testing.T) {
	inTime(t, func(c *resp.Config) { c.IdleTimeout = time.Minute }, func(t *testing.T, h *hall) {
		idle, busy, listens, tells := h.connect(), h.connect(), h.connect(), h.connect()
		idle.expect("PONG", "PING")
		listens.expect("[subscribe news #1]", "SUBSCRIBE", "news")
		for range 59 {
			busy.expect("PONG", "PING")
			tells.expect("PONG", "PING")
			time.Sleep(time.Second)
		}
		wantEnd(t, "idle", idle, 0, 3*time.Second)
		for range 10 {
			busy.expect("PONG", "PING")
			tells.expect("#1", "PUBLISH", "news", "v")
			if got := listens.answer(); got != "[message news v]" {
				t.Errorf("who listens read %s", got)
			}
			time.Sleep(59 * time.Second)
		}
		listens.expect("[unsubscribe news #0]", "UNSUBSCRIBE")
		wantEnd(t, "listens no longer", listens, 59*time.Second, 63*time.Second)
	})
}

// TestConfigTimeout: CONFIG SET timeout counts for those who are there and
// those who come, and 0 is none.
func TestConfigTimeout(t *testing.T) {
	inTime(t, func(c *resp.Config) {}, func(t *testing.T, h *hall) {
		there, admin := h.connect(), h.connect()
		there.expect("PONG", "PING")
		time.Sleep(10 * time.Minute)
		admin.expect("[timeout 0]", "CONFIG", "GET", "timeout")
		there.expect("PONG", "PING")
		admin.expect("OK", "CONFIG", "SET", "timeout", "30")
		admin.expect("[timeout 30]", "CONFIG", "GET", "timeout")
		wantEnd(t, "there", there, 29*time.Second, 33*time.Second)
		wantEnd(t, "who set it", admin, 0, 3*time.Second)
		comes := h.connect()
		wantEnd(t, "comes", comes, 29*time.Second, 33*time.Second)
		admin = h.connect()
		admin.expect("OK", "CONFIG", "SET", "timeout", "0")
		time.Sleep(10 * time.Minute)
		admin.expect("PONG", "PING")
	})
}

// TestSendTimeout: who asks and does not read the answer is cut off after
// SendTimeout, whether or not IdleTimeout would do so; who reads slowly stays.
func TestSendTimeout(t *testing.T) {
	inTime(t, func(c *resp.Config) { c.SendTimeout = 20 * time.Second }, func(t *testing.T, h *hall) {
		deaf, slow, other := h.connect(), h.connect(), h.connect()
		other.expect("OK", "SET", "k", strings.Repeat("v", 1<<20))
		deaf.send("GET", "k")
		synctest.Wait() // the answer is under way
		began := time.Now()
		for range 18 {
			time.Sleep(time.Second)
			other.expect("0", "ECHO", other.stat("client_output_buffer_limit_disconnections"))
		}
		slow.send("GET", "k")
		if got := slow.answer(); len(got) != 1<<20 {
			t.Errorf("%d bytes", len(got))
		}
		for other.stat("client_output_buffer_limit_disconnections") == "0" && time.Since(began) < time.Minute {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took < 20*time.Second || took > 23*time.Second {
			t.Errorf("who does not read is cut off after %v", took)
		}
		if _, err := deaf.read(); err == nil {
			t.Error("who was cut off reads on")
		}
		other.expect("1", "ECHO", other.stat("client_output_buffer_limit_disconnections"))
	})
}

// TestSendTimeoutOfMessages: the same for what nobody asked for. Until then
// what is asked for waits, but nobody else does.
func TestSendTimeoutOfMessages(t *testing.T) {
	inTime(t, func(c *resp.Config) { c.SendTimeout = 20 * time.Second }, func(t *testing.T, h *hall) {
		deaf, other := h.connect(), h.connect()
		deaf.expect("[subscribe news #1]", "SUBSCRIBE", "news")
		other.expect("#1", "PUBLISH", "news", "v")
		synctest.Wait()
		time.Sleep(19 * time.Second)
		other.expect("#1", "PUBLISH", "news", "v")
		time.Sleep(4 * time.Second)
		other.expect("#0", "PUBLISH", "news", "v")
		other.expect("1", "ECHO", other.stat("client_output_buffer_limit_disconnections"))
	})
}

// TestSetAsksNobody: a write that does not depend on what was there takes one
// way to the peer and back, for its acknowledgement; one that does asks first.
func TestSetAsksNobody(t *testing.T) {
	const way = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		c := lateraltest.New(t, 2, ccf.Source{Name: "test.ccf", Data: []byte(file)})
		c.WaitComplete()
		c.Delay(0, 1, way)
		edit := func(c *resp.Config) { c.Map = resp.Map{{Database: 0, Region: "Ses"}} }
		inHall(t, c.Node(0), edit, func(t *testing.T, h *hall) {
			conn := h.connect()
			for line, ways := range map[string]time.Duration{"SET a v": 2, "SET b v EX 100": 2, "SETEX c 100 v": 2, "SET d v NX": 4, "SET e v KEEPTTL": 4, "GET f": 2} {
				began := time.Now()
				conn.words(line)
				if took := time.Since(began); took < ways*way || took >= (ways+1)*way {
					t.Errorf("%s: %v, want %v and a little", line, took, ways*way)
				}
			}
		})
	})
}
