// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"strings"
	"sync/atomic"

	"lateral/cache"
)

// counts are what the front has done. All that can be counted by name is known
// when it starts: what clients send makes no counter.
type counts struct {
	connections, refused, hits, misses, slow, protocol, over, in, out atomic.Int64

	commands map[*command]*atomic.Int64 // nil: unknown ones
	errors   map[string]*atomic.Int64   // by code, and otherError
}

// codes are the first words of our errors.
var codes = []string{"ERR", "EXECABORT", "NOAUTH", "NOPERM", "NOPROTO", "NOREPLICAS", "NOSCRIPT", "READONLY", "UNBLOCKED", "WRONGPASS", "WRONGTYPE"}

// Names of what has none of its own.
const (
	unknownCommand = "unknown"
	otherError     = "other"
)

func (n *counts) init(t table) {
	n.commands, n.errors = map[*command]*atomic.Int64{nil: {}}, map[string]*atomic.Int64{otherError: {}}
	for _, cmd := range t {
		n.commands[cmd] = &atomic.Int64{}
	}
	for _, code := range codes {
		n.errors[code] = &atomic.Int64{}
	}
}

// failed counts an answer that is an error.
func (n *counts) failed(text string) {
	code, _, _ := strings.Cut(text, " ")
	of := n.errors[code]
	if of == nil {
		of = n.errors[otherError]
	}
	of.Add(1)
}

// tally is what a client adds to the front's counts, some requests at a time.
type tally struct {
	cmd              *command      // of the last request
	of               *atomic.Int64 // its count; nil: there was no request yet
	commands         int64         // such requests in a row
	hits, misses, in int64         // in: what has been counted of the bytes read
}

// request counts a request, cmd nil if it is unknown.
func (t *tally) request(n *counts, cmd *command) {
	if t.of == nil || cmd != t.cmd {
		if t.commands > 0 {
			t.of.Add(t.commands)
		}
		t.cmd, t.of, t.commands = cmd, n.commands[cmd], 0
	}
	t.commands++
}

// flush adds to the front's counts; in is how much has been read.
func (t *tally) flush(n *counts, in int64) {
	if t.commands > 0 {
		t.of.Add(t.commands)
	}
	if t.hits > 0 {
		n.hits.Add(t.hits)
	}
	if t.misses > 0 {
		n.misses.Add(t.misses)
	}
	if in != t.in {
		n.in.Add(in - t.in)
	}
	t.commands, t.hits, t.misses, t.in = 0, 0, 0, in
}

// Status returns what the front has done and has. It may be called by many
// goroutines, whether or not Run is running.
func (f *Front) Status() *cache.RespStatus {
	n := &f.count
	count := func(v *atomic.Int64) uint64 { return uint64(v.Load()) }
	st := &cache.RespStatus{MaxClients: f.options.clients(f.c.MaxClients),
		Connections: count(&n.connections), Refused: count(&n.refused), Slow: count(&n.slow), Protocol: count(&n.protocol), Over: count(&n.over),
		Hits: count(&n.hits), Misses: count(&n.misses), In: count(&n.in), Out: count(&n.out),
		Commands: make(map[string]uint64, len(n.commands)), Errors: make(map[string]uint64, len(n.errors))}
	for cmd, v := range n.commands {
		name := unknownCommand
		if cmd != nil {
			name = strings.ToLower(cmd.name)
		}
		st.Commands[name] = count(v)
	}
	for code, v := range n.errors {
		st.Errors[code] = count(v)
	}
	f.mu.Lock()
	st.Clients = len(f.clients)
	f.mu.Unlock()
	f.tracking.mu.Lock()
	st.Tracking, st.TrackedKeys, st.TrackedPairs = len(f.tracking.modes), len(f.tracking.keys), f.tracking.pairs
	f.tracking.mu.Unlock()
	f.subs.mu.RLock()
	st.Channels, st.Patterns = len(f.subs.channels), len(f.subs.patterns)
	f.subs.mu.RUnlock()
	return st
}

// told is Status as INFO tells it: since CONFIG RESETSTAT. A client has no say
// in what a monitor counts.
func (f *Front) told() *cache.RespStatus {
	st, from := f.Status(), f.reset.Load()
	if from == nil {
		return st
	}
	for _, v := range []struct {
		now  *uint64
		then uint64
	}{{&st.Connections, from.Connections}, {&st.Refused, from.Refused}, {&st.Slow, from.Slow}, {&st.Protocol, from.Protocol}, {&st.Over, from.Over},
		{&st.Hits, from.Hits}, {&st.Misses, from.Misses}, {&st.In, from.In}, {&st.Out, from.Out}} {
		*v.now -= v.then
	}
	for name, n := range from.Commands {
		st.Commands[name] -= n
	}
	for code, n := range from.Errors {
		st.Errors[code] -= n
	}
	return st
}
