// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/resp"
)

// answered reports what a connection is answered within a second.
func answered(c *conn) string {
	c.SetReadDeadline(time.Now().Add(time.Second))
	defer c.SetReadDeadline(time.Time{})
	s, err := c.read()
	if err != nil {
		return "nothing"
	}
	return s
}

// CLIENT PAUSE has others wait until its time is over or somebody ends it: with
// WRITE those who change something. Who waits is not idle.
func TestPause(t *testing.T) {
	inTime(t, func(c *resp.Config) { c.IdleTimeout = 20 * time.Second }, func(t *testing.T, h *hall) {
		admin, reads, writes := h.connect(), h.connect(), h.connect()
		admin.expect("OK", "SET", "k", "v")
		writes.expect("OK", "MULTI")
		writes.expect("QUEUED", "SET", "k", "w")
		admin.expect("OK", "CLIENT", "PAUSE", "10000", "WRITE")
		admin.expect("OK", "CLIENT", "PAUSE", "5000", "WRITE") // the later end counts
		began := time.Now()
		writes.send("EXEC")
		reads.expect("v", "GET", "k")
		reads.expect("OK", "MULTI")
		reads.expect("QUEUED", "GET", "k")
		reads.expect("[v]", "EXEC")
		if got := writes.answer(); got != "[OK]" || time.Since(began) != 10*time.Second {
			t.Errorf("%s after %v", got, time.Since(began))
		}
		reads.expect("w", "GET", "k")

		admin.expect("OK", "CLIENT", "PAUSE", "60000", "WRITE")
		admin.expect("OK", "CLIENT", "PAUSE", "60000")
		admin.expect("OK", "CLIENT", "PAUSE", "30000", "WRITE") // ALL counts
		reads.send("PING")
		writes.send("PUBLISH", "news", "v")
		if a, b := answered(reads), answered(writes); a != "nothing" || b != "nothing" {
			t.Errorf("a pause for all: %s, %s", a, b)
		}
		for range 40 { // longer than who is idle may be
			admin.do("CLIENT", "ID") // it is not idle
			time.Sleep(time.Second)
		}
		admin.expect("OK", "CLIENT", "UNPAUSE")
		if a, b := answered(reads), answered(writes); a != "PONG" || b != "#0" {
			t.Errorf("the pause has been ended: %s, %s", a, b)
		}
		time.Sleep(3 * time.Second)
		reads.expect("PONG", "PING")
		admin.expect("OK", "CLIENT", "PAUSE", "9223372036854775807")
		reads.send("PING") // does not keep Run from ending
		synctest.Wait()
	})
}

// CLIENT UNBLOCK ends a WAIT, with what has come or with an error; who does not
// wait is told of by 0.
func TestUnblock(t *testing.T) {
	inTime(t, func(c *resp.Config) { c.IdleTimeout = 40 * time.Second }, func(t *testing.T, h *hall) {
		waits, other := h.connect(), h.connect()
		id := waits.do("CLIENT", "ID")[1:]
		other.expect("#0", "CLIENT", "UNBLOCK", id)
		for how, want := range map[string]string{"TIMEOUT": "#0", "ERROR": "-UNBLOCKED client unblocked via CLIENT UNBLOCK"} {
			waits.send("WAIT", "3", "0")
			synctest.Wait()
			for range 2 { // longer than who is idle may be
				time.Sleep(30 * time.Second)
				other.expect("PONG", "PING")
			}
			other.expect("#1", "CLIENT", "UNBLOCK", id, how)
			if got := waits.answer(); got != want {
				t.Errorf("%s: %s", how, got)
			}
			other.expect("#0", "CLIENT", "UNBLOCK", id)
		}
	})
}

// Lifetimes of fields are refused, and it is said what to do instead.
func TestFieldsDoNotExpire(t *testing.T) {
	c := newSite(t, 1).client(0, "2")
	c.expect("#1", "HSET", "h", "f", "v")
	for _, line := range []string{"HEXPIRE h 10 FIELDS 1 f", "HPEXPIRE h 10 FIELDS 1 f", "HTTL h FIELDS 1 f", "HPTTL h FIELDS 1 f", "HPERSIST h FIELDS 1 f"} {
		if got := c.words(line); !strings.HasPrefix(got, "-ERR unknown command '") || !strings.Contains(got, "give the hash one with EXPIRE") {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// Who only looks does not hold up others.
func TestReaderPausesNobody(t *testing.T) {
	s := newSite(t, 1, locked(t))
	c := dial(t, s.socks[0])
	c.expect("OK", "AUTH", "reader", "look")
	for _, line := range []string{"CLIENT PAUSE 1", "CLIENT UNPAUSE", "CLIENT UNBLOCK 1"} {
		if got := c.words(line); got != "-NOPERM this user has no permissions to run the 'client' command" {
			t.Errorf("%s: %s", line, got)
		}
	}
}
