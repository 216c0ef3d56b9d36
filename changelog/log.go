// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// DefaultLimit is how many bytes of records a log holds: at 1,000 changes of
// 1 KiB per second a peer may be away for a minute and miss nothing.
const DefaultLimit = 64 << 20

// chunkSize is what a link writes at most in one go (one larger record apart),
// and what a cursor that stands still may keep alive beyond the log's limit.
// A log of little memory has smaller chunks: it forgets one at a time.
const (
	chunkSize = 256 << 10
	minChunk  = 4 << 10
	pieces    = 8 // at least so many, if they are not smaller than minChunk
)

// ErrGap is returned when changes that a cursor has not read are no longer held.
var ErrGap = errors.New("changes fell off the tail of the log")

// A Log is the bounded log of one endpoint. Its methods may be called by many
// goroutines at once; Run must be running for waiting cursors to be woken.
type Log struct {
	owner cache.NodeID
	limit int
	piece int // size of a chunk

	mu      sync.Mutex // guards what follows
	chunks  []*chunk   // oldest first
	next    uint64     // number of the next change; the first is 1
	bytes   int        // of records
	room    int        // that the chunks take, which is what the limit is about
	numbers map[string]uint64
	names   []string
	wake    chan struct{} // closed and replaced when there is news for those waiting
	waiting int           // cursors that wait on wake
	quiet   bool          // changes were appended for which they were not woken

	poked atomic.Bool
	poke  chan struct{}
}

// A chunk is written by appending; what is published never changes.
type chunk struct {
	first uint64 // number of its first change
	count uint64
	buf   []byte
}

// New makes a log of the owner's changes that takes limit bytes of memory (0:
// DefaultLimit), or as much as the last change needs if that is more.
func New(owner cache.NodeID, limit int) *Log {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Log{owner: owner, limit: limit, piece: min(chunkSize, max(minChunk, limit/pieces)), next: 1, numbers: map[string]uint64{},
		wake: make(chan struct{}), poke: make(chan struct{}, 1)}
}

// Owner returns the writer of this log's changes.
func (l *Log) Owner() cache.NodeID { return l.owner }

// Append adds a change and returns its number. It never blocks on a reader. A
// change that more follow (cache.Change.More) wakes no reader by itself; one who
// looks for another reason reads it.
func (l *Log) Append(c *cache.Change) uint64 {
	need := len(c.Element.Key) + len(c.Element.Value.Bytes) + len(tagsOf(c)) + fixed
	l.mu.Lock()
	region, ok := l.numbers[c.Region]
	if !ok {
		region = uint64(len(l.names))
		l.names = append(l.names, c.Region)
		l.numbers[c.Region] = region
	}
	k := l.chunk(need)
	before := len(k.buf)
	k.buf = Append(k.buf, c, region, l.owner)
	k.count++
	l.bytes += len(k.buf) - before
	seq := l.next
	l.next++
	if l.quiet = l.quiet || c.More; c.More {
		l.mu.Unlock()
		return seq
	}
	l.tell()
	return seq
}

// Tell wakes the readers of changes that more were to follow.
func (l *Log) Tell() {
	l.mu.Lock()
	if !l.quiet {
		l.mu.Unlock()
		return
	}
	l.tell()
}

// tell has the cursors that wait be woken, and unlocks mu.
func (l *Log) tell() {
	l.quiet = false
	many := l.waiting > fewWaiting
	if !many {
		l.wakeLocked()
	}
	l.mu.Unlock()
	if many && !l.poked.Load() && !l.poked.Swap(true) {
		l.poke <- struct{}{} // has room: poked was false
	}
}

// fewWaiting is up to how many waiting cursors the writer wakes by itself,
// which spares them a switch of goroutines. More are left to Run.
const fewWaiting = 4

// wakeLocked wakes the cursors that wait.
func (l *Log) wakeLocked() {
	if l.waiting > 0 {
		close(l.wake)
		l.wake, l.waiting = make(chan struct{}), 0
	}
}

// chunk returns the last chunk with room for n bytes, starting a new one and
// letting go of old ones as needed.
func (l *Log) chunk(n int) *chunk {
	if len(l.chunks) > 0 {
		if k := l.chunks[len(l.chunks)-1]; cap(k.buf)-len(k.buf) >= n {
			return k
		}
	}
	size := max(l.piece, n)
	drop := 0
	for l.room+size > l.limit && drop < len(l.chunks) {
		l.bytes -= len(l.chunks[drop].buf)
		l.room -= cap(l.chunks[drop].buf)
		drop++
	}
	k := &chunk{first: l.next, buf: make([]byte, 0, size)}
	l.room += cap(k.buf)
	l.chunks = append(append(make([]*chunk, 0, len(l.chunks)-drop+1), l.chunks[drop:]...), k)
	return k
}

// Run wakes waiting cursors, where they are more than fewWaiting, until ctx
// ends: the writer's cost must not depend on their number.
func (l *Log) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.poke:
		}
		l.poked.Store(false)
		l.mu.Lock()
		l.wakeLocked()
		l.mu.Unlock()
	}
}

// Next returns the number that the next change will get.
func (l *Log) Next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// Names returns the regions in the order of their numbers, from a number on.
func (l *Log) Names(from int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[min(from, len(l.names)):len(l.names):len(l.names)]
}

// Status returns what the log holds.
func (l *Log) Status() cache.LogStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cache.LogStatus{First: l.firstLocked(), Next: l.next, Bytes: l.bytes, Limit: l.limit}
}

func (l *Log) firstLocked() uint64 {
	if len(l.chunks) == 0 {
		return l.next
	}
	return l.chunks[0].first
}

// A Cursor is how far one reader has come. It belongs to one goroutine.
type Cursor struct {
	log *Log
	seq uint64 // number of the next change to read
	at  *chunk // where seq was last found, nil if not looked yet
	off int    // of seq in at.buf
	nth uint64 // of seq in at
}

// Cursor returns a cursor whose next change has the given number. ErrGap says
// that the log does not hold it any more, or never gave such a number.
func (l *Log) Cursor(seq uint64) (*Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq < l.firstLocked() || seq > l.next {
		return nil, fmt.Errorf("%w: asked for change %d, held are %d to %d", ErrGap, seq, l.firstLocked(), l.next-1)
	}
	return &Cursor{log: l, seq: seq}, nil
}

// Seq returns the number of the next change that Read returns.
func (c *Cursor) Seq() uint64 { return c.seq }

// Read returns the records that follow, as many as lie together in memory, the
// number of the first and how many they are: none if all is read. The bytes
// must not be changed. ErrGap says that the cursor was too slow.
func (c *Cursor) Read() (records []byte, first, count uint64, err error) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.seq == c.log.next {
		return nil, c.seq, 0, nil
	}
	if err := c.seekLocked(); err != nil {
		return nil, 0, 0, err
	}
	records, first, count = c.at.buf[c.off:], c.seq, c.at.count-c.nth
	c.off, c.nth, c.seq = len(c.at.buf), c.at.count, c.seq+count
	return records, first, count, nil
}

// seekLocked makes at, off and nth point to seq.
func (c *Cursor) seekLocked() error {
	l := c.log
	if c.seq < l.firstLocked() {
		return fmt.Errorf("%w: the reader was at change %d, the oldest held is %d", ErrGap, c.seq, l.firstLocked())
	}
	if c.at != nil && c.nth < c.at.count {
		return nil
	}
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].first > c.seq }) - 1
	c.at, c.off, c.nth = l.chunks[i], 0, 0
	for c.nth < c.seq-c.at.first {
		n, w := uvarint(c.at.buf[c.off:])
		c.off += w + int(n)
		c.nth++
	}
	return nil
}

func uvarint(b []byte) (n uint64, width int) {
	for i, x := range b {
		n |= uint64(x&0x7f) << (7 * i)
		if x < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}

// Wait returns when there is something to read, ctx ends or another channel
// is ready; it reports whether there is something.
func (c *Cursor) Wait(ctx context.Context, other <-chan struct{}) bool {
	for {
		c.log.mu.Lock()
		if c.seq != c.log.next {
			c.log.mu.Unlock()
			return true
		}
		wake := c.log.wake
		c.log.waiting++
		c.log.mu.Unlock()
		select {
		case <-wake:
			continue
		case <-other:
		case <-ctx.Done():
		}
		c.log.mu.Lock()
		if wake == c.log.wake { // else it is no longer counted
			c.log.waiting--
		}
		c.log.mu.Unlock()
		return false
	}
}
