// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lateral/cache"
)

// request carries out one request.
func (c *client) request(args [][]byte) {
	cmd := c.f.table.lookup(args[0])
	c.tally.request(&c.f.count, cmd)
	switch {
	case cmd == nil:
		c.refuse(unknown(args))
	case !c.authed && cmd.flags&stranger == 0:
		c.refuse("NOAUTH Authentication required.")
	case !cmd.takes(len(args)) && cmd.name == "EXEC":
		c.tx = transaction{}
		c.out.Error("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(wrongNumber(cmd.name), "ERR "))
	case !cmd.takes(len(args)):
		c.refuse(wrongNumber(cmd.name))
	case c.mayNot(cmd, args):
		c.refuse("NOPERM this user has no permissions to run the '" + strings.ToLower(cmd.name) + "' command")
	case c.tx.open && cmd.flags&(txControl|noMulti) == 0:
		c.queue(cmd, args)
	case c.tx.open && cmd.flags&noMulti != 0:
		c.refuse("ERR Command not allowed inside a transaction")
	case c.subs > 0 && !c.out.Three && cmd.flags&listening == 0:
		c.out.Error(fmt.Sprintf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", strings.ToLower(fullName(cmd, args))))
	default:
		c.carryOut(cmd, args)
	}
}

// fullName is that of a command with its subcommand, as Redis has it in errors.
func fullName(cmd *command, args [][]byte) string {
	switch cmd.name {
	case "CLIENT", "COMMAND", "CONFIG", "PUBSUB", "SCRIPT":
		if len(args) > 1 {
			return fmt.Sprintf("%s|%.64s", cmd.name, args[1])
		}
	}
	return cmd.name
}

// refuse answers with an error. In a transaction it makes EXEC fail.
func (c *client) refuse(why string) {
	if c.tx.open {
		c.tx.failed = true
	}
	c.out.Error(why)
}

func wrongNumber(name string) string {
	return "ERR wrong number of arguments for '" + strings.ToLower(name) + "' command"
}

// hints say of commands that are not here what to do instead.
var hints = []struct{ names, hint string }{
	{"lpush rpush lpop rpop lrange llen lindex lrem ltrim lset linsert blpop brpop lmove rpoplpush lpushx rpushx lpos", "lists are not kept by a mesh without a coordinator; use a Redis for queues"},
	{"sadd srem smembers sismember scard spop srandmember sinter sunion sdiff smove sscan smismember", "sets are not supported; a hash whose fields are the members merges between nodes"},
	{"zadd zrem zrange zscore zcard zrank zincrby zrangebyscore zpopmin zpopmax zrevrange zcount", "sorted sets are not supported; use a Redis for rankings"},
	{"xadd xread xrange xlen xgroup xreadgroup xack", "streams are not supported; use a log or a Redis"},
	{"setbit getbit bitcount bitop bitpos bitfield pfadd pfcount pfmerge geoadd geopos geosearch", "this type is not supported"},
	{"hexpire hpexpire hexpireat hpexpireat httl hpttl hexpiretime hpexpiretime hpersist hgetex hsetex", "a field has no lifetime of its own; give the hash one with EXPIRE, or each field a key"},
	{"fcall function", "functions are not supported; of scripts the known ones of session locks are"},
	{"ssubscribe sunsubscribe spublish cluster readonly readwrite asking", "this is no Redis Cluster; every node of the mesh answers for every key: connect without cluster mode"},
	{"replicaof slaveof psync sync replconf", "nodes of the mesh find each other; there is nothing to replicate by hand"},
	{"save bgsave bgrewriteaof shutdown debug monitor module acl swapdb move migrate dump restore sort", "lateral has no such thing"},
}

func unknown(args [][]byte) string {
	name := strings.ToLower(string(args[0][:min(len(args[0]), 128)]))
	var b strings.Builder
	fmt.Fprintf(&b, "ERR unknown command '%s', with args beginning with: ", args[0][:min(len(args[0]), 128)])
	for _, a := range args[1:] {
		if b.Len() > 128 {
			break
		}
		fmt.Fprintf(&b, "'%s' ", a[:min(len(a), 128)])
	}
	for _, h := range hints {
		if slices.Contains(strings.Fields(h.names), name) {
			b.WriteString("(lateral: " + h.hint + "; see docs/resp.md)")
		}
	}
	return b.String()
}

// manyWords is from how many words on a request, and from how many commands on
// a transaction, is nothing that others of a loop wait for.
const manyWords = 512

// carryOut runs a command and has its writes acknowledged.
func (c *client) carryOut(cmd *command, args [][]byte) {
	if c.f.paused.Load() != nil {
		c.stand(cmd)
	}
	if cmd.flags&reads != 0 && !c.fetch(cmd, args) {
		c.overFetched()
		return
	}
	if cmd.flags&long != 0 || len(args) > manyWords {
		c.mayWait()
	}
	from := len(c.out.B)
	if c.track.on {
		c.track.before(c, cmd, args)
	}
	switch {
	case cmd.flags&gated != 0:
		c.enter()
		cmd.run(c, args)
	case cmd.flags&alone != 0:
		c.lock()
		c.now = c.db.base.Now()
		cmd.run(c, args)
		c.f.gate.Unlock()
	default:
		c.exit()
		c.now = c.db.base.Now()
		cmd.run(c, args)
	}
	if cmd.flags&txControl == 0 {
		c.track.settle()
	}
	c.finish(from)
}

// finish waits for the acknowledgements of what was written. The answer, from
// the given byte on, becomes an error if they do not come.
func (c *client) finish(from int) {
	if len(c.fetched) > 0 {
		clear(c.fetched)
		c.fetchedBytes = 0
	}
	if len(c.wrote) == 0 {
		return
	}
	c.mayWait()
	for _, r := range c.wrote {
		if err := r.Await(c.ctx); err != nil {
			c.out.B = c.out.B[:from]
			c.out.Error("NOREPLICAS " + err.Error())
			break
		}
	}
	c.wrote = c.wrote[:0]
}

// fetch looks elsewhere for what memory does not have, where the region's
// settings let it. It is done before the command, which holds the gate and so
// must not wait. It returns false if it is more than one request may have us
// hold.
func (c *client) fetch(cmd *command, args [][]byte) bool {
	for i := range cmd.keys(len(args)) {
		p := c.at(args[i])
		if !p.r.asks || cmd.name == "SET" && !looksBack(args) {
			continue
		}
		if _, ok := p.r.Get(p.r.Now(), p.name); ok {
			continue
		}
		c.mayWait()
		p = p.keep()
		rep, err := p.r.Do(c.ctx, cache.Command{Op: cache.Get, Key: p.name})
		if err != nil || !rep.Found {
			continue // a peer that does not answer is a miss
		}
		if c.fetched == nil {
			c.fetched = map[place]cache.Element{}
		}
		c.fetched[p] = rep.Element
		if c.fetchedBytes += len(rep.Element.Value.Bytes); c.fetchedBytes > c.f.c.AnswerLimit {
			return false
		}
	}
	return true
}

// looksBack reports whether a SET does something else by what was there before:
// without that no session that is made new need wait for what peers do not have.
func looksBack(args [][]byte) bool {
	return slices.ContainsFunc(args[3:], func(a []byte) bool {
		return isWord(a, "nx") || isWord(a, "xx") || isWord(a, "get") || isWord(a, "keepttl")
	})
}

// get returns the live element of a key.
func (c *client) get(p place) (e cache.Element, ok bool) {
	e, ok = p.r.Get(c.now, p.name)
	if !ok && len(c.fetched) > 0 {
		e, ok = c.fetched[p]
	}
	if ok && e.Value.Form == cache.FormHash && !hasFields(e.Value.Bytes) {
		return cache.Element{}, false
	}
	if ok {
		c.tally.hits++
	} else {
		c.tally.misses++
	}
	return e, ok
}

// do carries out a write.
func (c *client) do(p place, cmd cache.Command) (cache.Reply, error) {
	c.writes(p.r)
	cmd.Key, cmd.Caller, cmd.More = p.name, c.caller, c.more(p.r)
	return p.r.Do(c.ctx, cmd)
}

// writes notes that a region is about to be written to.
func (c *client) writes(r *region) {
	if r.acks && !slices.Contains(c.wrote, r) {
		c.wrote = append(c.wrote, r)
	}
	if r.waits {
		c.mayWait()
	}
	if !slices.Contains(c.written, r) {
		c.written = append(c.written, r)
	}
}

// fail answers with what a region said.
func (c *client) fail(err error) {
	if errors.Is(err, cache.ErrTooLarge) {
		c.f.count.over.Add(1)
	}
	code := "ERR "
	if errors.Is(err, cache.ErrObserved) {
		code = "READONLY " // as a replica of Redis answers
	}
	c.out.Error(code + err.Error())
}
