// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"context"
	"errors"
	"strings"
	"time"

	"lateral/resp/wire"
)

// A silence is what CLIENT REPLY has said: whether a client wants answers.
type silence byte

const (
	speaks   silence = iota
	silent           // REPLY OFF
	skips            // REPLY SKIP: not to the next request
	skipping         // that one is being carried out
)

// reply is CLIENT REPLY ON|OFF|SKIP.
func (c *client) reply(how []byte) {
	switch {
	case c.execing:
		c.out.Error("ERR CLIENT REPLY is not possible within a transaction: each of its commands has an answer")
	case isWord(how, "on"):
		c.silence = speaks
		c.out.OK()
	case isWord(how, "off"):
		c.silence = silent
	case isWord(how, "skip") && c.silence == silent:
	case isWord(how, "skip"):
		c.silence = skips
	default:
		c.out.Error(errSyntax)
	}
}

// unheard carries out a request of who may want no answer to it. What is
// subscribed to is told all the same, as Redis does.
func (c *client) unheard(args [][]byte) {
	from := len(c.out.B)
	if c.silence == skips {
		c.silence = skipping
	}
	c.request(args)
	cmd := c.f.table.lookup(args[0])
	if c.silence != speaks && (cmd == nil || !strings.HasSuffix(cmd.name, "SUBSCRIBE")) {
		c.out.B = c.out.B[:from]
	}
	if c.silence == skipping {
		c.silence = speaks
	}
}

// A pause has clients of this node wait (CLIENT PAUSE). Who carries something
// out looks at it; nothing runs for it.
type pause struct {
	until  time.Time
	writes bool          // only those that change something
	over   chan struct{} // closed when it has ended before, or another has taken its place
}

// pause is CLIENT PAUSE milliseconds [WRITE|ALL]. Of two the later end counts,
// and ALL.
func (c *client) pause(args [][]byte) {
	ms, bad := timeout(args[2])
	next := &pause{over: make(chan struct{})}
	switch {
	case len(args) == 4 && isWord(args[3], "write"):
		next.writes = true
	case len(args) == 4 && !isWord(args[3], "all"):
		bad = "ERR CLIENT PAUSE mode must be WRITE or ALL"
	}
	if bad != "" {
		c.out.Error(bad)
		return
	}
	end := time.Now().Add(ms)
	for {
		last := c.f.paused.Load()
		if next.until = end; last != nil {
			if last.until.After(end) {
				next.until = last.until
			}
			next.writes = next.writes && last.writes
		}
		if c.f.paused.CompareAndSwap(last, next) {
			last.end()
			break
		}
	}
	c.out.OK()
}

func (c *client) unpause() {
	c.f.paused.Swap(nil).end()
	c.out.OK()
}

// end wakes who waits for it.
func (p *pause) end() {
	if p != nil {
		close(p.over)
	}
}

// stops reports whether a request has to wait. CLIENT has not, so that a pause
// can be ended.
func (p *pause) stops(c *client, cmd *command) bool {
	if !p.writes {
		return cmd.name != "CLIENT"
	}
	if cmd.name == "EXEC" {
		for _, q := range c.tx.queued {
			if q.cmd.changes() {
				return true
			}
		}
	}
	return cmd.changes()
}

// changes reports whether a command changes what other nodes have, or tells them something.
func (cmd *command) changes() bool { return cmd.flags&write != 0 || cmd.name == "PUBLISH" }

// stand waits as long as clients are to.
func (c *client) stand(cmd *command) {
	c.waits.Store(true)
	defer c.used()
	for p := c.f.paused.Load(); p != nil && p.stops(c, cmd); p = c.f.paused.Load() {
		c.mayWait()
		left := time.Until(p.until)
		if left <= 0 {
			if c.f.paused.CompareAndSwap(p, nil) {
				p.end()
			}
			continue
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-p.over:
		case <-c.ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}

// used ends a wait: it was not idle.
func (c *client) used() {
	c.active.Store(c.f.second.Load())
	c.waits.Store(false)
}

// timeout reads milliseconds; bad is an error of Redis.
func timeout(arg []byte) (d time.Duration, bad string) {
	ms, ok := wire.ParseInt(arg)
	switch {
	case !ok:
		return 0, "ERR timeout is not an integer or out of range"
	case ms < 0:
		return 0, "ERR timeout is negative"
	}
	return time.Duration(min(ms, maxLife)) * time.Millisecond, ""
}

var errUnblocked = errors.New("CLIENT UNBLOCK")

// blocking has others end what the client waits for, by CLIENT UNBLOCK, until
// done is called.
func (c *client) blocking(ctx context.Context) (_ context.Context, done func()) {
	c.mayWait()
	ctx, cancel := context.WithCancelCause(ctx)
	c.blocked.Store(&cancel)
	c.waits.Store(true)
	return ctx, func() { c.blocked.Store(nil); cancel(nil); c.used() }
}

// unblock is CLIENT UNBLOCK id [TIMEOUT|ERROR]. The only command that waits for
// others is WAIT.
func (c *client) unblock(args [][]byte) {
	why := context.Canceled
	switch {
	case len(args) == 4 && isWord(args[3], "error"):
		why = errUnblocked
	case len(args) == 4 && !isWord(args[3], "timeout"):
		c.out.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	id, ok := wire.ParseInt(args[2])
	if !ok {
		c.out.Error(errInteger)
		return
	}
	done := false
	if o := c.f.client(uint64(id)); o != nil {
		if cancel := o.blocked.Swap(nil); cancel != nil {
			(*cancel)(why)
			done = true
		}
	}
	c.out.IntOf(done)
}
