// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// The limits of a request, and of one of who has not authenticated (Redis:
// processMultibulkBuffer): a password is short, and whoever connects may have
// us hold so much.
const (
	MaxInline  = 64 << 10        // bytes of a line: inline requests, lengths (Redis: PROTO_INLINE_MAX_SIZE)
	MaxBulk    = 64 << 20        // bytes of an argument: the largest value (cache.MaxValue)
	MaxArgs    = 1 << 20         // arguments (Redis: 1024*1024 for the multibulk length)
	MaxRequest = MaxBulk + 1<<20 // bytes of a request: the largest value, its key, and their frame

	StrangerArgs    = 10       // as Redis
	StrangerBulk    = 16 << 10 // as Redis
	StrangerRequest = 32 << 10 // Redis: 10 of 16 KiB

	firstRoom = 16 << 10          // of the buffer of a connection (Redis: PROTO_IOBUF_LEN)
	keptRoom  = 256 << 10         // of the buffer between requests; what is larger goes back
	argsKept  = 1 << 10           // arguments whose places are kept between requests
	strangers = "unauthenticated" // in error messages, as Redis has it
)

// ErrProtocol is wrapped by every error about what a client sent. What follows
// its text is what Redis answers before it closes the connection.
var ErrProtocol = errors.New("protocol error")

// A Reader takes requests off a stream. The zero Reader is ready; it serves
// one goroutine.
type Reader struct {
	// Stranger says that the client has yet to authenticate.
	Stranger bool
	// Arrived counts the bytes read so far.
	Arrived int64

	buf  []byte
	r, w int // what has arrived and is not taken: buf[r:w]

	// Of the request that is being read, offsets from r.
	left int   // arguments to come; < 0 before its head is read
	pos  int   // of the next byte to look at
	bulk int   // length of the argument that comes next; < 0: not known yet
	ends []int // pairs: start and end of the arguments read

	args [][]byte
}

// Fill waits for more bytes from in, once. An error is that of in.
func (p *Reader) Fill(in io.Reader) error {
	if p.args = p.args[:0]; cap(p.args) > argsKept {
		p.args = nil
	}
	p.makeRoom()
	n, err := in.Read(p.buf[p.w:])
	p.w += n
	if p.Arrived += int64(n); n > 0 {
		return nil
	}
	return err
}

// Buffered counts the bytes that have arrived and are not taken.
func (p *Reader) Buffered() int { return p.w - p.r }

// Large reports whether the buffer is one that goes back with the next Fill if
// nothing is left in it.
func (p *Reader) Large() bool { return cap(p.buf) > keptRoom }

// makeRoom has some room at the end of the buffer, which is at most twice as
// large as what has arrived, or as a request may be.
func (p *Reader) makeRoom() {
	have := p.w - p.r
	switch {
	case have == 0 && p.Large():
		p.buf, p.args, p.r, p.w = nil, nil, 0, 0 // the arguments are parts of it
	case have == 0:
		p.r, p.w = 0, 0
	case p.r > 0 && len(p.buf)-p.w < firstRoom:
		copy(p.buf, p.buf[p.r:p.w])
		p.r, p.w = 0, have
	}
	if len(p.buf)-p.w < firstRoom/4 {
		grown := make([]byte, max(firstRoom, 2*have))
		copy(grown, p.buf[p.r:p.w])
		p.buf, p.r, p.w = grown, 0, have
	}
}

// Next returns the next request if all of it has arrived: its arguments, which
// are parts of the buffer and valid until the next Fill, those of earlier
// requests too. ok without arguments
// is an empty line. After an error the stream cannot be read on.
func (p *Reader) Next() (args [][]byte, ok bool, err error) {
	if p.r == p.w {
		return nil, false, nil
	}
	if p.pos == 0 {
		p.left, p.bulk, p.ends = -1, -1, p.ends[:0]
		if p.buf[p.r] != '*' {
			return p.inline()
		}
	}
	if p.left < 0 {
		if ok, err := p.head(); !ok || err != nil {
			return nil, false, err
		}
	}
	for p.left > 0 {
		if ok, err := p.argument(); !ok || err != nil {
			return nil, false, err
		}
	}
	first := len(p.args)
	for i := 0; i < len(p.ends); i += 2 {
		p.args = append(p.args, p.buf[p.r+p.ends[i]:p.r+p.ends[i+1]:p.r+p.ends[i+1]])
	}
	p.take(p.pos)
	if cap(p.ends) > 2*argsKept {
		p.ends = nil
	}
	return p.args[first:len(p.args):len(p.args)], true, nil
}

func (p *Reader) take(n int) {
	p.r += n
	p.pos = 0
}

// head reads "*n\r\n".
func (p *Reader) head() (ok bool, err error) {
	n, used, err := p.number(1, "multibulk")
	if used == 0 || err != nil {
		return false, err
	}
	most := MaxArgs
	if p.Stranger {
		most = StrangerArgs
	}
	if n > int64(most) {
		if p.Stranger {
			return false, fmt.Errorf("%w: %s multibulk length", ErrProtocol, strangers)
		}
		return false, fmt.Errorf("%w: invalid multibulk length", ErrProtocol)
	}
	p.left, p.pos = int(max(n, 0)), used
	return true, nil
}

// argument reads "$n\r\n" and n bytes.
func (p *Reader) argument() (ok bool, err error) {
	if p.bulk < 0 {
		if p.r+p.pos == p.w {
			return false, nil
		}
		if c := p.buf[p.r+p.pos]; c != '$' {
			return false, fmt.Errorf("%w: expected '$', got '%s'", ErrProtocol, printable(c))
		}
		n, used, err := p.number(p.pos+1, "bulk")
		if used == 0 || err != nil {
			return false, err
		}
		if p.Stranger && (n > StrangerBulk || int64(used)+n > StrangerRequest) {
			return false, fmt.Errorf("%w: %s bulk length", ErrProtocol, strangers)
		}
		if n < 0 || n > MaxBulk || int64(used)+n > MaxRequest {
			return false, fmt.Errorf("%w: invalid bulk length", ErrProtocol)
		}
		p.bulk, p.pos = int(n), used
	}
	if p.w-p.r < p.pos+p.bulk+2 {
		return false, nil
	}
	// Redis trusts that CR LF follows, and so may a client do as it likes there.
	p.ends = append(p.ends, p.pos, p.pos+p.bulk)
	p.pos += p.bulk + 2
	p.bulk = -1
	p.left--
	return true, nil
}

// number reads a decimal up to CR LF, from the given offset on. used is the
// offset behind it, 0 if it has not arrived.
func (p *Reader) number(from int, what string) (n int64, used int, err error) {
	b := p.buf[p.r+from : p.w]
	end := bytes.IndexByte(b, '\r')
	if end < 0 || end+1 == len(b) {
		if len(b) > p.line() {
			return 0, 0, fmt.Errorf("%w: too big %s count string", ErrProtocol, map[string]string{"multibulk": "mbulk", "bulk": "bulk"}[what])
		}
		return 0, 0, nil
	}
	n, ok := ParseInt(b[:end])
	if !ok {
		return 0, 0, fmt.Errorf("%w: invalid %s length", ErrProtocol, what)
	}
	return n, from + end + 2, nil
}

// line is how long a line may be.
func (p *Reader) line() int {
	if p.Stranger {
		return StrangerBulk
	}
	return MaxInline
}

func printable(c byte) string {
	if c < ' ' || c > '~' {
		return fmt.Sprintf(`\x%02x`, c)
	}
	return string(rune(c))
}

// ParseInt reads a decimal as Redis does (string2ll): no plus sign, no leading
// zero, no space.
func ParseInt(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits, negative := b, b[0] == '-'
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var u uint64
	for _, c := range digits {
		if c < '0' || c > '9' || u > (1<<64-1-9)/10 && !fits(u, c) {
			return 0, false
		}
		u = u*10 + uint64(c-'0')
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true // of 1<<63 too, which negates to itself
	case negative || u > 1<<63-1:
		return 0, false
	}
	return int64(u), true
}

// fits reports whether another digit leaves u within 64 bits.
func fits(u uint64, c byte) bool { return u <= (1<<64-1-uint64(c-'0'))/10 }
