// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
)

// A link is one connection to a peer, after both have said hello. Two loops
// serve it: read applies what arrives, write sends what the log, the row and
// the queues have. Neither waits for the other.
type link struct {
	m         *Mesh
	conn      net.Conn
	out       bool // we dialled
	own       hello
	peerHello hello
	peer      *peer // set by adopt
	since     time.Time
	in        *input
	done      chan struct{} // closed when both loops have ended
	stop      context.CancelFunc

	// Of the read loop.
	regions  []boundRegion     // by the numbers of the peer's log
	batch    batch             // of changes that are being applied
	lastAttr *cache.Attributes // of the region last changed: most records repeat them
	resumed  bool              // the peer has said how far it had read
	replayed uint64            // changes before this one come for what they remove
	held     map[uint64]func() // keys that the peer holds here → how to release them

	// From anywhere to the write loop, which poke wakes.
	poke      chan struct{}
	ackDue    atomic.Bool
	rowDue    atomic.Bool
	told      told      // of the write loop
	beaten    time.Time // of the write loop: the last heartbeat
	frontDue  atomic.Bool
	lent      atomic.Int64 // answers that are being looked up
	looks     atomic.Int64 // of the peer that are being worked on
	beatDue   atomic.Bool
	moreDue   atomic.Bool     // regions were made since the hello
	shown     map[string]bool // of the write loop: regions that the peer has heard of
	resumeAt  chan resume     // the peer's resume, once
	bulk      chan []byte     // frames of a sync, one at a time
	syncIn    chan syncFrame
	syncPoke  chan struct{}
	askDue    atomic.Bool
	wanted    atomic.Pointer[asked] // the lease that the peer asks for
	holdDue   atomic.Bool
	toldHolds map[uint64]bool // of the write loop: of our own holds

	syncWaiting atomic.Int64 // bytes in syncIn
	syncHeard   atomic.Int64 // ns since 1970: when elements last came by a sync

	mu       sync.Mutex     // guards what follows
	queue    [][]byte       // small frames, at most maxQueue
	queued   int            // bytes of these
	who      []cache.NodeID // of whom the peer is to be asked
	asked    []cache.NodeID // of whom it has asked
	farewell string         // the goodbye to send, if any
	reason   error          // why the link ended, the first that was given
	echo     echo           // of the peer's last heartbeat
}

// told is what the peer has been told.
type told struct {
	row    uint64 // the last change of ours
	fronts fronts
}

type echo struct {
	theirs   int64     // its clock when it sent
	received time.Time // ours when it arrived
}

type boundRegion struct {
	Region
	name  string
	known bool // looked up
}

// The small frames that wait for a slow connection are bounded by number and,
// but for the first, by bytes; replies beyond that are dropped, and their
// askers time out.
const (
	maxQueue      = 1024
	maxQueueBytes = 4 << 20
)

func (m *Mesh) newLink(conn net.Conn, out bool, own, peer *hello, in *input) *link {
	return &link{m: m, conn: conn, out: out, own: *own, peerHello: *peer, since: time.Now(), in: in,
		held: map[uint64]func(){}, toldHolds: map[uint64]bool{},
		done: make(chan struct{}), poke: make(chan struct{}, 1), resumeAt: make(chan resume, 1),
		bulk: make(chan []byte, 1), syncIn: make(chan syncFrame, maxSyncWaiting), syncPoke: make(chan struct{}, 1), stop: func() {}}
}

// bySmaller reports whether the side with the smaller id dialled.
func (l *link) bySmaller() bool { return l.out == (l.own.ID < l.peerHello.ID) }

func (l *link) dialNumber() uint64 {
	if l.out {
		return l.own.Dial
	}
	return l.peerHello.Dial
}

// run serves an adopted link until it ends. It returns after everything that
// belongs to it has ended.
func (l *link) run(ctx context.Context) {
	ctx, l.stop = context.WithCancel(ctx)
	defer l.stop()
	l.m.up(l)
	l.frontDue.Store(true)
	l.queueFrame(appendFrame(nil, frameResume, l.resume())) // before the first change, whoever is faster
	var loops sync.WaitGroup
	loops.Go(func() {
		if err := l.write(ctx); err != nil {
			l.cannotWrite(ctx, err)
		}
	})
	loops.Go(func() { l.serveSync(ctx) })
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() { l.conn.Close(); close(closed) })
	l.end(l.read())
	loops.Wait()
	<-closed
	if errors.Is(l.why(), ErrProtocol) {
		l.m.counters.bad.Add(1)
	}
	close(l.done)
	l.m.down(l)
}

// end closes the link for a reason; the first one given is the one told.
func (l *link) end(err error) {
	l.mu.Lock()
	if l.reason == nil {
		l.reason = err
	}
	l.mu.Unlock()
	l.stop()
}

// ended reports whether both loops have.
func (l *link) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// cannotWrite ends a link that can no longer be written to, but not before what
// the peer said last is read: it may be a goodbye, which says why.
func (l *link) cannotWrite(ctx context.Context, err error) {
	l.in.timeout.Store(0)
	l.conn.SetReadDeadline(time.Now().Add(farewellTime))
	pause(ctx, farewellTime)
	l.end(err)
}

func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// goaway ends the link after what is queued and a goodbye have been sent.
func (l *link) goaway(g goaway) {
	b, _ := json.Marshal(g)
	l.mu.Lock()
	if l.farewell == "" {
		l.farewell = string(b)
	}
	if l.reason == nil {
		l.reason = errors.New(g.Reason)
	}
	l.mu.Unlock()
	// A peer that does not read must not hold the goodbye up for long.
	l.conn.SetWriteDeadline(time.Now().Add(farewellTime))
	l.wake()
}

const farewellTime = 500 * time.Millisecond

type goaway struct {
	Reason    string `json:"reason"`
	Leaving   bool   `json:"leaving,omitempty"`   // the whole node goes
	Unread    bool   `json:"unread,omitempty"`    // … with changes that the peer has not acknowledged
	Duplicate bool   `json:"duplicate,omitempty"` // another link to the same peer is kept
	ID        id     `json:"id,omitempty"`        // of who says so instead of hello
}

func (l *link) wake() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

func (l *link) queueFrame(f []byte) bool {
	l.mu.Lock()
	room := len(l.queue) == 0 || len(l.queue) < maxQueue && l.queued+len(f) <= maxQueueBytes
	if room {
		l.queue = append(l.queue, f)
		l.queued += len(f)
	}
	l.mu.Unlock()
	l.wake()
	return room
}

func (l *link) party() cache.Party { return party(l.peerHello.identity, l.conn.RemoteAddr().String()) }
