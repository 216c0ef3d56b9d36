// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/resp"
)

// status waits until what the front tells is as wanted: what a client has done
// is counted before it is answered, but for what it has been sent.
func status(s *site, want func(st *cache.RespStatus) bool) *cache.RespStatus {
	s.t.Helper()
	for range 1 << 20 {
		if st := s.fronts[0].Status(); want(st) {
			return st
		}
	}
	st := s.fronts[0].Status()
	s.t.Errorf("%+v", st)
	return st
}

// Whatever clients do is counted, under names of ours.
func TestStatus(t *testing.T) {
	s := newSite(t, 1, func(c *resp.Config) { c.MaxClients = 3 })
	a := s.client(0, "0")
	sent := len("SELECT 0") + len("*2\r\n$6\r\n\r\n$1\r\n\r\n") - 1
	for _, line := range []string{"SET k v", "set k v", "GET k", "GET none", "NOSUCH", "nosuch2 a", "GET", "INCR k", "HGET k f", "MULTI", "GET k", "NOSUCH", "EXEC", "SUBSCRIBE c d", "PSUBSCRIBE p*", "PING"} {
		a.words(line)
		if line == "SUBSCRIBE c d" {
			a.answer()
		}
	}
	b := s.client(0, "0")
	b.words("HELLO 3")
	b.words("CLIENT TRACKING ON")
	b.words("GET k")
	b.words("SET k " + strings.Repeat("x", 1000))
	b.answer() // what it kept is no longer so
	s.client(0, "0")
	full := dial(t, s.socks[0])
	if got := full.answer(); !strings.Contains(got, "max number") {
		t.Error(got)
	}
	st := status(s, func(st *cache.RespStatus) bool { return st.Commands["set"] == 3 && st.Out > 100 })
	for name, want := range map[string]uint64{"set": 3, "get": 5, "unknown": 3, "incr": 1, "hget": 1, "multi": 1, "exec": 1, "subscribe": 1, "psubscribe": 1, "ping": 1,
		"select": 3, "hello": 1, "client": 1, "mget": 0} {
		if n, ok := st.Commands[name]; n != want || !ok {
			t.Errorf("%d of %s, want %d", n, name, want)
		}
	}
	if len(st.Commands) != len(resp.Rows())+1 {
		t.Errorf("%d names of commands, of %d", len(st.Commands), len(resp.Rows()))
	}
	for code, want := range map[string]uint64{"ERR": 5, "WRONGTYPE": 1, "EXECABORT": 1, "other": 0} {
		if n, ok := st.Errors[code]; n != want || !ok {
			t.Errorf("%d errors %s, want %d: %v", n, code, want, st.Errors)
		}
	}
	got := fmt.Sprint(st.Clients, st.MaxClients, st.Connections, st.Refused, st.Tracking, st.TrackedKeys, st.Channels, st.Patterns, st.Misses)
	if got != "3 3 3 1 1 0 2 1 1" {
		t.Error("clients, at most, accepted, refused, tracking, keys, channels, patterns, misses: ", got)
	}
	if st.In < 1000+uint64(sent) || st.In > 2500 || st.Out < 500 || st.Out > 2500 {
		t.Errorf("%d bytes in, %d out", st.In, st.Out)
	}
	// A client has no say in what a monitor counts.
	b.words("CONFIG RESETSTAT")
	if n := b.stat("total_commands_processed"); n != "1" { // that itself, whose answer came after
		t.Errorf("after CONFIG RESETSTAT %s commands", n)
	}
	if st := s.fronts[0].Status(); st.Commands["set"] != 3 {
		t.Errorf("%d of set after CONFIG RESETSTAT", st.Commands["set"])
	}
	if info := b.words("INFO commandstats"); !strings.Contains(info, "cmdstat_info:calls=") || strings.Contains(info, "cmdstat_set") {
		t.Error(info)
	}
	if info := b.words("INFO"); strings.Contains(info, "cmdstat") || !strings.Contains(info, "total_error_replies:0") {
		t.Error(info)
	}
}

// Every error that the front answers with is counted by a code that is known.
func TestErrorCodes(t *testing.T) {
	s := newSite(t, 1, locked(t))
	a := dial(t, s.socks[0])
	for _, line := range []string{"GET k", "AUTH no", "HELLO 4", "AUTH secret", "EVALSHA x 0", "CLIENT PAUSE x"} {
		if got := a.words(line); !strings.HasPrefix(got, "-") && line != "AUTH secret" {
			t.Errorf("%s: %s", line, got)
		}
	}
	if st := s.fronts[0].Status(); st.Errors["other"] != 0 || st.Errors["NOAUTH"] == 0 || st.Errors["WRONGPASS"] == 0 || st.Errors["NOSCRIPT"] == 0 {
		t.Errorf("%v", st.Errors)
	}
}
