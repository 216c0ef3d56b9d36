// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"lateral/cache"
	"lateral/resp/wire"
)

// A client is one connection. Its goroutine reads, carries out and answers;
// what nobody asked for (messages, invalidations) waits in pushes until the
// answers to what has been read are written, so that a client never hears that
// a key has changed before it reads the answer with the older value. What came
// before a request is sent before its answer: no message after UNSUBSCRIBE.
type client struct {
	f    *Front
	id   uint64
	conn net.Conn
	sock *sock // conn, if a loop may serve it
	from netip.Addr
	born int64 // second

	caller  uint64       // id, unlike that of any other front of the node
	active  atomic.Int64 // second of the last request
	writing atomic.Int64 // second since which a write is under way, 0: none
	outside atomic.Int64 // second since which it may not come in, plus one; 0: it is in
	name    label
	lib     [2]label                                // name, version
	blocked atomic.Pointer[context.CancelCauseFunc] // ends its WAIT
	waits   atomic.Bool                             // for others, by a WAIT or a pause: that is not idle
	listens atomic.Bool                             // it has subscribed or redirects to itself: idleness is its trade

	batch [][][]byte // the requests that are carried out
	keys  []string   // of them

	mu      sync.Mutex // held from the first request read to the last answer written; guards what follows
	in      wire.Reader
	out     wire.Writer
	ctx     context.Context
	cancel  context.CancelFunc
	loop    *loop // whose goroutine carries out requests; nil: another's, which may wait
	inside  bool  // it holds the gate, shared
	now     int64 // ms, when it last came in: what is read without a wait is read at one time
	db      *database
	authed  bool
	looks   bool // authed, to look and change nothing
	ending  bool // close when the answers are written
	silence silence

	tx         transaction
	execing    bool // EXEC is carried out
	subs       int  // channels and patterns
	heard      [2]map[string]bool
	heardBytes int // of their names
	track      trackState

	// Of the command that is carried out.
	fetched      map[place]cache.Element // what memory did not have, from elsewhere
	fetchedBytes int                     // of its values
	wrote        []*region               // regions with Acks that were written to
	written      []*region               // all that this client has written to: WAIT

	tally  tally
	pushes pushes
}

// A label is text by which other clients may know this one, while it works.
type label struct{ p atomic.Pointer[string] }

func (l *label) set(s string) { l.p.Store(&s) }

func (l *label) String() string {
	if p := l.p.Load(); p != nil {
		return *p
	}
	return ""
}

// place is a key of the cache.
type place struct {
	r    *region
	name string
}

func newClient(ctx context.Context, f *Front, id uint64, conn net.Conn) *client {
	sock := f.grip(conn)
	if sock != nil {
		conn = sock
	}
	c := &client{f: f, id: id, conn: conn, sock: sock, from: hostOf(conn), db: f.databases[0], authed: f.c.Door == nil, born: f.second.Load(), caller: f.nonce<<32 | id}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.active.Store(c.born)
	c.mark(c.authed)
	c.out.Failed = f.failed
	c.pushes.init(c)
	return c
}

func (c *client) addr() string {
	if a := c.conn.RemoteAddr().String(); a != "" && a != "@" {
		return a
	}
	return c.laddr()
}

// laddr is where the client is connected to; a unix socket as Redis writes it.
func (c *client) laddr() string {
	a := c.conn.LocalAddr()
	if a.Network() == "unix" {
		return a.String() + ":0"
	}
	return a.String()
}

// flushAt is how many bytes of answers are gathered before they are written,
// even if more requests wait.
const flushAt = 64 << 10

// keptRoom is what a buffer of answers may keep between requests.
const keptRoom = 256 << 10

// end is for who has served the client, when that has gone or is to go.
func (c *client) end() {
	c.conn.Close()
	c.pushes.close()
	c.cancel()
}

// converse reads requests and answers them until the connection ends.
func (c *client) converse() {
	for c.in.Fill(c.conn) == nil {
		c.mu.Lock()
		ok := c.turn()
		c.mu.Unlock()
		if !ok {
			return
		}
	}
}

// turn answers what has been read. It returns false when the connection is to
// be closed.
func (c *client) turn() bool {
	c.active.Store(c.f.second.Load())
	return c.pushes.send() && c.answer()
}

// answer carries out all requests that have arrived. It returns false when the
// connection is to be closed.
func (c *client) answer() bool {
	for more := true; more && !c.ending; {
		var err error
		more, err = c.ahead()
		for _, args := range c.batch {
			switch {
			case len(args) == 0:
			case c.silence != speaks:
				c.unheard(args)
			default:
				c.request(args)
			}
			if len(c.out.B) >= flushAt && !c.flush() {
				return false
			}
			if c.ending {
				break
			}
		}
		if c.loop != nil {
			c.loop.tellMany()
		}
		if err != nil && !c.ending {
			c.f.count.protocol.Add(1)
			c.out.Error("ERR Protocol error" + strings.TrimPrefix(err.Error(), wire.ErrProtocol.Error()))
			c.ending = true
		}
	}
	if c.in.Large() { // nothing that is kept may lie in its buffer, which goes back
		c.batch, c.keys = nil, nil
	}
	return c.flush() && !c.ending
}

// ahead reads a batch of requests that have arrived, and prepares for the keys
// of those that look one up. more is false if there are no others.
func (c *client) ahead() (more bool, err error) {
	c.batch = c.batch[:0]
	c.keys = c.keys[:0]
	for len(c.batch) < maxBatch {
		args, ok, err := c.in.Next()
		if err != nil || !ok {
			c.warm()
			return false, err
		}
		c.batch = append(c.batch, args)
		if c.in.Stranger {
			break // the next may be read by other limits
		}
		if len(args) > 1 {
			if cmd := c.f.table.lookup(args[0]); cmd != nil && cmd.first == 1 {
				if p := c.at(args[1]); p.r == c.db.base {
					c.keys = append(c.keys, p.name)
				}
			}
		}
	}
	c.warm()
	return true, nil
}

func (c *client) warm() {
	if len(c.keys) > 1 {
		c.db.base.Warm(c.keys)
	}
}

// maxBatch is how many requests are read before the first is carried out.
const maxBatch = 32

// enter has the client hold the gate, shared, until it waits for anything:
// for more requests, a peer, or a client that does not read.
func (c *client) enter() {
	if !c.inside {
		if !c.f.gate.TryRLock() {
			c.tell()
			c.f.gate.RLock()
		}
		c.inside, c.now = true, c.db.base.Now()
	}
}

// lock has the client hold the gate alone.
func (c *client) lock() {
	c.exit()
	if !c.f.gate.TryLock() {
		c.tell()
		c.f.gate.Lock()
	}
}

// more reports whether what is written to a region now is sent to peers later,
// with other writes.
func (c *client) more(r *region) bool {
	if c.loop == nil {
		return false
	}
	c.loop.hold(r)
	return true
}

// tell has peers be sent what waits for other writes. It is called before a
// wait that is not for a client.
func (c *client) tell() {
	if c.loop != nil {
		c.loop.tell()
	}
}

func (c *client) exit() {
	if c.inside {
		c.inside = false
		c.f.gate.RUnlock()
	}
}

// mayWait is called before anything that takes its time: nobody else is kept
// waiting for it.
func (c *client) mayWait() {
	c.exit()
	if c.loop != nil {
		c.loop.pass(c)
		c.loop = nil
	}
}

// flush writes the answers.
func (c *client) flush() bool {
	c.exit()
	c.tally.flush(&c.f.count, c.in.Arrived)
	if len(c.out.B) == 0 {
		return true
	}
	err := c.write(c.out.B)
	if c.out.B = c.out.B[:0]; cap(c.out.B) > keptRoom {
		c.out.B = nil
	}
	return err == nil
}

func (c *client) write(b []byte) error {
	c.writing.Store(max(c.f.second.Load(), 1))
	defer c.writing.Store(0)
	c.f.count.out.Add(int64(len(b)))
	if c.loop != nil {
		n, err := c.sock.try(b)
		if n == len(b) || err != nil {
			return err
		}
		b = b[n:]
		c.mayWait()
	}
	_, err := c.conn.Write(b)
	return err
}

// text is an argument as a string, for as long as the request is carried out.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// at returns where a key is. The name is the argument's own bytes: clone it
// before it is kept (keep).
func (c *client) at(key []byte) place {
	s := text(key)
	r := c.db.base
	if len(c.f.prefixes) > 0 {
		r = c.f.where(c.db, s)
	}
	return place{r, nameOf(s)}
}

// keep is the place with a name of its own.
func (p place) keep() place { return place{p.r, strings.Clone(p.name)} }
