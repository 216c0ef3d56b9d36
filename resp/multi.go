// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"bytes"

	"lateral/cache"
)

// A transaction is what a client has gathered since MULTI, and what it
// watches.
type transaction struct {
	open, failed bool
	queued       []queued
	bytes        int
	watched      map[place]cache.Stamp // zero: there was nothing
	watchedBytes int
}

type queued struct {
	cmd  *command
	args [][]byte
}

// The limits of a transaction.
const (
	maxQueued      = 1 << 16  // commands
	maxQueuedBytes = 64 << 20 // of their arguments
)

func (c *client) runMulti(args [][]byte) {
	if c.tx.open {
		c.out.Error("ERR MULTI calls can not be nested")
		return
	}
	c.tx.open = true
	c.out.OK()
}

// queue keeps a command until EXEC.
func (c *client) queue(cmd *command, args [][]byte) {
	own := queued{cmd, make([][]byte, len(args))}
	for i, a := range args {
		own.args[i] = bytes.Clone(a)
		c.tx.bytes += len(a) + 24
	}
	if len(c.tx.queued) == maxQueued || c.tx.bytes > maxQueuedBytes {
		c.over("the transaction is too large: at most %d commands of %d MiB together", maxQueued, maxQueuedBytes>>20)
		return
	}
	c.tx.queued = append(c.tx.queued, own)
	c.out.Simple("QUEUED")
}

func (c *client) runDiscard(args [][]byte) {
	if !c.tx.open {
		c.out.Error("ERR DISCARD without MULTI")
		return
	}
	c.tx = transaction{}
	c.out.OK()
}

// runExec carries out what was queued while no other client of this node
// touches data. What regions do not have in memory is fetched before.
func (c *client) runExec(args [][]byte) {
	tx := c.tx
	if !tx.open {
		c.out.Error("ERR EXEC without MULTI")
		return
	}
	c.tx = transaction{}
	if tx.failed {
		c.out.Error("EXECABORT Transaction discarded because of previous errors.")
		return
	}
	if len(tx.queued) > manyWords {
		c.mayWait()
	}
	db := c.db
	for _, q := range tx.queued {
		if q.cmd.flags&reads != 0 && !c.fetch(q.cmd, q.args) {
			c.db = db
			c.overFetched()
			return
		}
		if q.cmd.name == "SELECT" {
			c.selectDB(q.args[1]) // its keys are fetched from there
		}
	}
	c.db = db
	c.lock()
	defer c.f.gate.Unlock()
	c.now = c.db.base.Now()
	if tx.changed() {
		c.out.NullArray()
		return
	}
	c.execing = true
	defer func() { c.execing = false; c.track.forget() }()
	from, long := len(c.out.B), false
	c.out.Array(len(tx.queued))
	for _, q := range tx.queued {
		if c.track.on {
			c.track.before(c, q.cmd, q.args)
		}
		q.cmd.run(c, q.args)
		if long = long || len(c.out.B)-from > c.f.c.AnswerLimit; long { // it is carried out to its end all the same
			c.out.B = c.out.B[:from]
		}
	}
	if long {
		c.over("the transaction was carried out; its answers have more than %d MiB: ask for less at once", c.f.c.AnswerLimit>>20)
	}
}

// changed reports whether a watched key is not what it was.
func (tx *transaction) changed() bool {
	for p, s := range tx.watched {
		if p.stamp() != s {
			return true
		}
	}
	return false
}

func (p place) stamp() cache.Stamp {
	e, _ := p.r.Get(p.r.Now(), p.name)
	return e.Stamp
}

func (c *client) runWatch(args [][]byte) {
	if c.tx.open {
		c.out.Error("ERR WATCH inside MULTI is not allowed")
		return
	}
	if len(c.tx.watched)+len(args)-1 > maxWatched || c.tx.watchedBytes+sizeOf(args[1:]) > maxWatchBytes {
		c.over("a client may watch %d keys of %d MiB together", maxWatched, maxWatchBytes>>20)
		return
	}
	if c.tx.watched == nil {
		c.tx.watched = map[place]cache.Stamp{}
	}
	for _, a := range args[1:] {
		p := c.at(a).keep()
		if _, ok := c.tx.watched[p]; !ok {
			c.tx.watched[p] = p.stamp()
			c.tx.watchedBytes += len(p.name)
		}
	}
	c.out.OK()
}

func (c *client) runUnwatch(args [][]byte) {
	c.tx.watched, c.tx.watchedBytes = nil, 0
	c.out.OK()
}
