// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
	"lateral/changelog"
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
	lastAttr *cache.Attributes // of the region last changed: most records repeat them

	// From anywhere to the write loop, which poke wakes.
	poke     chan struct{}
	ackDue   atomic.Bool
	rowDue   atomic.Bool
	beatDue  atomic.Bool
	resumeAt chan resume // the peer's resume, once
	bulk     chan []byte // frames of a sync, one at a time
	syncIn   chan syncFrame
	syncDue  atomic.Bool
	syncPoke chan struct{}

	mu       sync.Mutex // guards what follows
	queue    [][]byte   // small frames, at most maxQueue
	farewell string     // the goodbye to send, if any
	reason   error      // why the link ended, the first that was given
	echo     echo       // of the peer's last heartbeat
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

// maxQueue bounds the small frames that wait for a slow connection; replies
// beyond it are dropped, and their askers time out.
const maxQueue = 1024

func (m *Mesh) newLink(conn net.Conn, out bool, own, peer *hello, in *input) *link {
	return &link{m: m, conn: conn, out: out, own: *own, peerHello: *peer, since: time.Now(), in: in,
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
	var loops sync.WaitGroup
	loops.Go(func() {
		if err := l.write(ctx); err != nil {
			l.end(err)
		}
	})
	loops.Go(func() { l.serveSync(ctx) })
	loops.Go(func() { <-ctx.Done(); l.conn.Close() })
	l.queueFrame(appendFrame(nil, frameResume, l.resume()))
	l.end(l.read())
	loops.Wait()
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

func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// goaway ends the link after what is queued and a goodbye have been sent.
// leaving says that the whole node goes, not just this link.
func (l *link) goaway(reason string, leaving bool) {
	b, _ := json.Marshal(goaway{reason, leaving})
	l.mu.Lock()
	if l.farewell == "" {
		l.farewell = string(b)
	}
	if l.reason == nil {
		l.reason = errors.New(reason)
	}
	l.mu.Unlock()
	// A peer that does not read must not hold the goodbye up for long.
	l.conn.SetWriteDeadline(time.Now().Add(farewellTime))
	l.wake()
}

const farewellTime = 500 * time.Millisecond

type goaway struct {
	Reason  string `json:"reason"`
	Leaving bool   `json:"leaving"`
}

func (l *link) wake() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

func (l *link) queueFrame(f []byte) {
	l.mu.Lock()
	if len(l.queue) < maxQueue {
		l.queue = append(l.queue, f)
	}
	l.mu.Unlock()
	l.wake()
}

// A resume says how far a node has read its peer's log.
type resume struct {
	met  bool
	read uint64
}

func (l *link) resume() []byte {
	var b [9]byte
	if l.peer.met.Load() {
		b[0] = 1
	}
	binary.BigEndian.PutUint64(b[1:], l.peer.received.Load())
	return b[:]
}

// write is the loop that sends. What waits in several places goes in this
// order: small frames, changes, one frame of a sync; so that neither a sync
// nor a burst of changes holds up the others.
func (l *link) write(ctx context.Context) error {
	beat := time.AfterFunc(l.m.c.Heartbeat, func() { l.beatDue.Store(true); l.wake() })
	defer beat.Stop()
	var (
		cur    *changelog.Cursor
		names  int
		buf    = make([]byte, 0, 4<<10)
		pieces net.Buffers
	)
	for {
		buf = l.small(buf[:0], beat)
		if cur == nil {
			cur, buf = l.position(buf)
		}
		var records []byte
		if cur != nil {
			var err error
			if records, cur, buf, err = l.changes(cur, &names, buf); err != nil {
				return err
			}
		}
		frame := l.takeBulk()
		if len(buf) == 0 && len(frame) == 0 {
			if l.farewellSent() {
				return l.hangUp()
			}
			l.idle(ctx, cur)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		pieces = append(pieces[:0], buf, records, frame)
		n, err := pieces.WriteTo(l.conn)
		l.m.counters.bytesOut.Add(n)
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
}

// small collects what waits in the queues and flags.
func (l *link) small(buf []byte, beat *time.Timer) []byte {
	l.mu.Lock()
	for i, f := range l.queue {
		buf = append(buf, f...)
		l.queue[i] = nil
	}
	l.queue = l.queue[:0]
	if l.farewell != "" && l.farewell != sent {
		buf = appendFrame(buf, frameGoaway, []byte(l.farewell))
		l.farewell = sent
	}
	l.mu.Unlock()
	if l.rowDue.Swap(false) {
		buf = appendJSON(buf, frameRow, l.m.rowFor(l))
	}
	if l.ackDue.Swap(false) {
		buf = binary.BigEndian.AppendUint64(appendHeader(buf, frameAck, 8), l.peer.received.Load())
	}
	if l.beatDue.Swap(false) {
		buf = l.beat(buf)
		beat.Reset(l.m.c.Heartbeat)
	}
	return buf
}

// sent marks a goodbye that is in the buffer or beyond.
const sent = "sent"

func (l *link) farewellSent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.farewell == sent
}

// hangUp closes our half, so that the goodbye is not lost in a reset, and
// leaves it to the read loop to end when the peer has closed its half.
func (l *link) hangUp() error {
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("goodbye")
	}
	l.in.timeout.Store(int64(farewellTime))
	l.conn.SetReadDeadline(time.Now().Add(farewellTime))
	half.CloseWrite()
	return nil
}

// position turns the peer's resume, once it is there, into a cursor.
func (l *link) position(buf []byte) (*changelog.Cursor, []byte) {
	select {
	case r := <-l.resumeAt:
		return l.resumed(r, buf)
	default:
		return nil, buf
	}
}

// replayLimit is up to how many bytes a log that nothing has fallen off yet is
// sent whole to a peer that has never read it, which spares that peer a gap.
const replayLimit = 1 << 20

func (l *link) resumed(r resume, buf []byte) (*changelog.Cursor, []byte) {
	log := l.m.c.Log
	from := r.read + 1
	st := log.Status()
	if r.met || st.First == 1 && st.Bytes <= replayLimit {
		if cur, err := log.Cursor(from); err == nil {
			l.m.counters.resumes.Add(1)
			l.peer.ack(r.read)
			return cur, buf
		}
	}
	return l.skip(buf)
}

// skip gives up on what the peer has not read: it is told that there is a gap,
// and a sync brings back what it can.
func (l *link) skip(buf []byte) (*changelog.Cursor, []byte) {
	next := l.m.c.Log.Next()
	cur, err := l.m.c.Log.Cursor(next)
	for err != nil { // the log moved on in between by more than it holds
		next = l.m.c.Log.Next()
		cur, err = l.m.c.Log.Cursor(next)
	}
	l.m.counters.gaps.Add(1)
	return cur, binary.BigEndian.AppendUint64(appendHeader(buf, frameGap, 8), next)
}

// changes appends the header of the next records, and the names they need.
func (l *link) changes(cur *changelog.Cursor, names *int, buf []byte) ([]byte, *changelog.Cursor, []byte, error) {
	if !l.peerHello.Receive {
		return nil, cur, buf, nil
	}
	records, first, count, err := cur.Read()
	if errors.Is(err, changelog.ErrGap) {
		l.m.counters.fallen.Add(1)
		cur, buf = l.skip(buf)
		return nil, cur, buf, nil
	}
	if err != nil || count == 0 {
		return nil, cur, buf, err
	}
	if more := l.m.c.Log.Names(*names); len(more) > 0 {
		p := binary.AppendUvarint(nil, uint64(*names))
		for _, n := range more {
			p = appendText(p, n)
		}
		buf = appendFrame(buf, frameNames, p)
		*names += len(more)
	}
	buf = appendHeader(buf, frameChanges, 8+len(records))
	return records, cur, binary.BigEndian.AppendUint64(buf, first), nil
}

func (l *link) takeBulk() []byte {
	select {
	case f := <-l.bulk:
		return f
	default:
		return nil
	}
}

// idle waits until there is something to write.
func (l *link) idle(ctx context.Context, cur *changelog.Cursor) {
	if cur == nil || !l.peerHello.Receive {
		select {
		case <-l.poke:
		case <-ctx.Done():
		}
		return
	}
	cur.Wait(ctx, l.poke)
}

// beat appends a heartbeat: our clock, and when we saw the peer's last one.
func (l *link) beat(buf []byte) []byte {
	l.mu.Lock()
	e := l.echo
	l.mu.Unlock()
	now := time.Now()
	held := int64(0)
	if e.theirs != 0 {
		held = int64(now.Sub(e.received))
	}
	buf = appendHeader(buf, frameBeat, 24)
	buf = binary.BigEndian.AppendUint64(buf, uint64(now.UnixNano()))
	buf = binary.BigEndian.AppendUint64(buf, uint64(e.theirs))
	return binary.BigEndian.AppendUint64(buf, uint64(held))
}

func (l *link) party() cache.Party { return party(l.peerHello.identity, l.conn.RemoteAddr().String()) }
