// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
)

// An Op is what an application asked of a node, and what came of it.
type Op struct {
	Step
	life      *life
	call, ret time.Duration
	done      bool // it returned while its node lived
	err       error

	stamp cache.Stamp // of what was written, or found
	found bool
	value string // put, or found

	before sight // of its key, when it was called

	version uint64 // update, change: committed; load: returned
}

func (o *Op) region() string { return o.Args[1] }

// key is what the op means: "" is everything.
func (o *Op) key() string {
	if o.Verb == "clear" {
		return ""
	}
	return o.Args[2]
}

func (o *Op) String() string {
	s := fmt.Sprintf("%v..%v %s %s", o.call, o.ret, o.life, o.Step)
	switch {
	case !o.done:
		return s + ": no answer"
	case o.err != nil:
		return s + ": " + o.err.Error()
	case o.Verb == "get" || o.Verb == "load" || o.Verb == "take":
		return fmt.Sprintf("%s: %.20q %s", s, o.value, o.stamp)
	}
	return s + ": " + o.stamp.String()
}

// source is what invalidated regions cache: the versions of keys.
type source map[string]uint64

// changes reports whether the op is a change at the source.
func (o *Op) changes() bool { return o.Verb == "update" || o.Verb == "change" }

// act does a step of an application; it returns when that is over.
func (c *cluster) act(s Step) *Op {
	l := c.at(s.node(0))
	if l == nil || s.session() && !(c.ready(l) && c.compared(l, s)) {
		return nil
	}
	o := &Op{Step: s, life: l, call: c.now()}
	c.mu.Lock()
	c.ops = append(c.ops, o)
	if s.Verb == "get" {
		o.before = *l.sightOf(o.region(), o.key())
	}
	c.mu.Unlock()
	came := *o
	c.do(&came)
	c.mu.Lock()
	*o = came
	o.ret = c.now()
	o.done = l.ended == 0
	c.mu.Unlock()
	c.judgeAcked(o)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trace.add(o.String())
	c.judgeOp(o)
	return o
}

func (c *cluster) do(o *Op) {
	cmd := cache.Command{Region: o.region()}
	switch o.Verb {
	case "update", "change", "load":
		c.typed(o)
		return
	case "put":
		cmd.Op, cmd.Key, cmd.Value.Bytes = cache.Put, keyOf(o.Args[2]), padded(o.Args[3])
		if len(o.Args) > 4 {
			cmd.Acks, o.err = cache.ParseAcks(strings.TrimPrefix(o.Args[4], "acks="))
		}
		o.value = o.Args[3]
	case "remove":
		cmd.Op, cmd.Key = cache.Remove, keyOf(o.Args[2])
		if g, ok := strings.CutSuffix(o.Args[2], "/"); ok {
			cmd.Op, cmd.Key = cache.RemoveGroup, g
		}
	case "clear":
		cmd.Op = cache.RemoveAll
	case "get":
		cmd.Op, cmd.Key = cache.Get, keyOf(o.Args[2])
	case "take":
		cmd.Op, cmd.Key = cache.Take, keyOf(o.Args[2])
	}
	if o.err != nil {
		return
	}
	var rep cache.Reply
	rep, o.err = o.life.node.Do(context.Background(), cmd)
	o.stamp, o.found = rep.Stamp, rep.Found
	if o.Verb == "get" || o.Verb == "take" {
		o.stamp, o.value = rep.Element.Stamp, unpadded(rep.Element.Value.Bytes)
		o.version, _ = strconv.ParseUint(o.value, 10, 64)
	}
}

// typed does what only the typed region can.
func (c *cluster) typed(o *Op) {
	r, err := lateral.In(o.life.node, o.region(), lateral.Text)
	if err != nil {
		o.err = err
		return
	}
	ctx, key := context.Background(), o.key()
	errDead := errors.New("its process is dead")
	before, after := o.time(3), o.time(4)
	commit := func(context.Context) error {
		time.Sleep(before)
		c.mu.Lock()
		defer c.mu.Unlock()
		if o.life.ended != 0 {
			return errDead
		}
		c.source[key]++
		o.version = c.source[key]
		return nil
	}
	switch o.Verb {
	case "update":
		o.err = r.Update(ctx, key, func(ctx context.Context) error {
			defer time.Sleep(after)
			return commit(ctx)
		})
		return
	case "change":
		if o.err = commit(ctx); o.err == nil {
			time.Sleep(after)
			o.err = r.Remove(ctx, key)
		}
		return
	}
	o.value, o.err = r.GetOrLoad(ctx, key, func(context.Context) (string, error) {
		time.Sleep(before)
		c.mu.Lock()
		v := c.source[key]
		c.mu.Unlock()
		time.Sleep(after)
		return fmt.Sprint(v), nil
	})
	o.version, _ = strconv.ParseUint(o.value, 10, 64)
	o.found = o.err == nil
}

// padded makes the bytes of a value: V*n is V with n bytes behind it.
func padded(v string) string {
	if _, n, ok := strings.Cut(v, "*"); ok {
		if n, err := strconv.Atoi(n); err == nil {
			return v + " " + strings.Repeat("x", n)
		}
	}
	return v
}

func unpadded(bytes string) string {
	v, _, _ := strings.Cut(bytes, " ")
	return v
}

// fault does a step that is not an application's.
func (c *cluster) fault(s Step) error {
	addr := func(i int) *host { return &c.hosts[s.node(i)] }
	switch s.Verb {
	case "start":
		return c.startSoon(s.node(0))
	case "crash", "exit", "stop":
		c.end(s.node(0), s.Verb)
	case "block":
		c.net.Block(addr(0).addr, addr(1).addr)
	case "part":
		c.net.Partition(addr(0).addr, addr(1).addr)
	case "heal":
		if len(s.Args) == 2 {
			c.net.Heal(addr(0).addr, addr(1).addr)
		} else {
			c.net.HealAll()
		}
	case "reset":
		c.net.Cut(addr(0).addr, addr(1).addr)
	case "delay":
		c.net.SetDelay(addr(0).addr, addr(1).addr, s.time(2))
	case "slow":
		addr(0).slow.Store(int64(s.time(1)))
	case "skew":
		addr(0).skew.Store(int64(s.time(1)))
	case "look":
		c.look()
	default:
		return fmt.Errorf("sim: no step %q", s)
	}
	return nil
}

// session reports whether a step is of the client of a session: keys of these
// begin with "s".
func (s Step) session() bool {
	return len(s.Args) > 2 && s.Args[1] == "Ses" && strings.HasPrefix(s.Args[2], "s")
}

// isOp reports whether a step is an application's.
func (s Step) isOp() bool {
	switch s.Verb {
	case "put", "remove", "clear", "get", "take", "update", "change", "load":
		return true
	}
	return false
}
