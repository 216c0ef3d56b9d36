// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"lateral/cache"
	"lateral/javaser"
)

// Limits of a connection, beside those of its streams (javaser.Limits).
const (
	// MaxFrame bounds a message: the largest value, as modified UTF-8, and its
	// surroundings.
	MaxFrame = cache.MaxValue/2*3 + 1<<20

	maxRegionName = 1 << 10 // bytes: as cache.MaxRegion
	maxNames      = 4096    // regions whose names a Writer remembers
	maxKeptFrame  = 1 << 20 // largest buffer kept between messages
)

const (
	streamHead = "\xac\xed\x00\x05" // opens a Java object stream
	frameHead  = 4                  // int32 length
)

// A SkippedError is about one message that was read to its end: the connection
// can go on.
type SkippedError struct{ Err error }

func (e *SkippedError) Error() string { return e.Err.Error() }
func (e *SkippedError) Unwrap() error { return e.Err }

// limits are those of all streams that come from peers. The classes are those
// that chains of gadgets are made of: the first three as JCS 2 to 4 refuse them
// by default (jcs.serialization.class.blacklist), and two of the same kind. JCS
// 1.3 refuses none, and would get them from us by a get or the bridge.
var limits = javaser.Limits{Deny: []string{
	"org.codehaus.groovy.runtime.", "org.apache.commons.collections.functors.", "org.apache.xalan",
	"org.apache.commons.collections4.functors.", "com.sun.org.apache.xalan.",
}}

// Opens reports whether the first bytes of a connection look like JCS: a Java
// object stream, or the length of a frame.
func Opens(head [4]byte) bool {
	n := binary.BigEndian.Uint32(head[:])
	return string(head[:]) == streamHead || n > 0 && n <= MaxFrame
}

// A Reader takes messages off a connection of any generation. It is for one
// goroutine.
type Reader struct {
	in     *bufio.Reader    // of frames
	frames *javaser.Decoder // likewise
	stream *javaser.Decoder
	ser    Serializer
	buf    []byte
}

// NewReader reads what a dialler sends. head is what was read of it already,
// at least the first 4 bytes, by which streams and frames are told apart; s is
// the serializer of frames.
func NewReader(conn io.Reader, head []byte, s Serializer) *Reader {
	in := io.MultiReader(&prefix{head}, conn)
	if len(head) >= 4 && string(head[:4]) == streamHead {
		return &Reader{stream: javaser.NewDecoder(in, limits)}
	}
	return &Reader{in: bufio.NewReaderSize(in, 64<<10), frames: javaser.NewBytesDecoder(nil, limits), ser: s}
}

// A prefix is bytes that were read ahead.
type prefix struct{ b []byte }

func (p *prefix) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.b)
	p.b = p.b[n:]
	return n, nil
}

// Framed reports whether each message is a frame.
func (r *Reader) Framed() bool { return r.stream == nil }

// Next returns the next message. At the end between two messages it returns
// io.EOF; after every other error but a SkippedError the connection is of no
// more use.
func (r *Reader) Next() (*Message, error) {
	for {
		v, err := r.next()
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case javaser.Reset:
			continue
		case *javaser.Exception:
			return nil, &SkippedError{fmt.Errorf("%w: the sender failed while it wrote: %s", ErrProtocol, brief(v))}
		}
		m, err := ParseMessage(v)
		if err != nil {
			return nil, &SkippedError{err}
		}
		return m, nil
	}
}

func (r *Reader) next() (javaser.Value, error) {
	if r.stream != nil {
		v, err := r.stream.Next()
		if errors.Is(err, javaser.ErrForgotten) {
			err = &SkippedError{err}
		}
		return v, err
	}
	var err error
	if r.buf, err = readFrame(r.in, r.buf); err != nil {
		return nil, err
	}
	v, err := openFrame(r.frames, r.buf, &r.ser)
	if cap(r.buf) > maxKeptFrame {
		r.buf = nil
	}
	if err != nil {
		return nil, &SkippedError{err}
	}
	return v, nil
}

// Pending reports whether more has arrived than was read: whoever waits for
// silence, as before an acknowledgement, has none yet.
func (r *Reader) Pending() bool { return r.in != nil && r.in.Buffered() > 0 }

func openFrame(d *javaser.Decoder, b []byte, s *Serializer) (javaser.Value, error) {
	b, err := s.Open(b)
	if err != nil {
		return nil, err
	}
	return d.Whole(b)
}

// readFrame reads one frame into buf, which grows as bytes arrive.
func readFrame(in io.Reader, buf []byte) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return buf, err
	}
	n := int(int32(binary.BigEndian.Uint32(head[:])))
	if n <= 0 || n > MaxFrame {
		return buf, fmt.Errorf("%w: a frame declares %d bytes, 1 to %d are allowed", ErrProtocol, n, MaxFrame)
	}
	buf = buf[:0]
	for len(buf) < n {
		have := len(buf)
		piece := min(n-have, max(64<<10, have))
		buf = slices.Grow(buf, piece)[:have+piece]
		if _, err := io.ReadFull(in, buf[have:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return buf[:have], err
		}
	}
	return buf, nil
}

// A Writer puts messages on a connection to a peer of one generation. It is
// for one goroutine.
type Writer struct {
	g     *Generation
	reset int // see Generation.ResetEvery
	ser   Serializer
	enc   *javaser.Encoder
	sent  int  // messages since the stream began or was reset
	begun bool // the header is with the peer
	fault bool // the last message left handles that the peer does not have
	names map[string]*javaser.String
	out   []byte
}

// NewWriter writes messages of generation g, framed ones wrapped by s.
func NewWriter(g *Generation, s Serializer) *Writer {
	return &Writer{g: g, reset: g.ResetEvery, ser: s, enc: javaser.NewEncoder(), names: map[string]*javaser.String{}}
}

// Encode returns the bytes that follow on the connection: whole messages only,
// so that one write puts a frame on the wire in one piece. They are valid until
// the next call. An error is about this message alone, which is not sent; the
// connection can go on.
func (w *Writer) Encode(m *Message) ([]byte, error) {
	o, err := w.message(m)
	if err != nil {
		return nil, err
	}
	if w.g.Framed {
		w.out, err = appendFrame(w.out[:0], w.enc, o, &w.ser)
		return w.out, err
	}
	switch {
	case !w.begun:
		w.enc.Restart(nil)
	case w.fault || w.sent >= w.reset:
		w.enc.Encode(javaser.Reset{})
		w.sent, w.fault = 0, false
	}
	err = w.enc.Encode(o)
	out := w.enc.Take()
	if err != nil {
		w.fault = true
		return nil, err
	}
	w.sent++
	w.begun = true
	return out, nil
}

// message builds the object with the name that this connection has for its
// region, so that a stream need not spell it again.
func (w *Writer) message(m *Message) (*javaser.Object, error) {
	c := *m
	c.Gen = w.g
	if c.name == nil {
		if c.name = w.names[m.Region]; c.name == nil {
			if len(w.names) >= maxNames {
				clear(w.names)
			}
			c.name = &javaser.String{S: m.Region}
			w.names[m.Region] = c.name
		}
	}
	return c.Object()
}

// appendFrame appends one frame.
func appendFrame(dst []byte, enc *javaser.Encoder, v javaser.Value, s *Serializer) ([]byte, error) {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if s.Standard() {
		enc.Restart(dst)
		if err := enc.Encode(v); err != nil {
			return dst[:at], err
		}
		dst = enc.Take()
	} else {
		enc.Restart(nil)
		err := enc.Encode(v)
		if err == nil {
			dst, err = s.Seal(dst, enc.Take())
		}
		if err != nil {
			return dst[:at], err
		}
	}
	n := len(dst) - at - frameHead
	if n > MaxFrame {
		return dst[:at], fmt.Errorf("%w: a frame of %d bytes, at most %d are allowed", cache.ErrTooLarge, n, MaxFrame)
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(n))
	return dst, nil
}

// AppendReply appends the answer to a question: an element, a map, a set, or
// nil, which every generation understands as a miss. In streams an answer is
// a stream of its own.
func AppendReply(dst []byte, framed bool, s *Serializer, v javaser.Value) ([]byte, error) {
	if framed {
		return appendFrame(dst, javaser.NewEncoder(), v, s)
	}
	b, err := javaser.Encode(v)
	if err != nil {
		return dst, err
	}
	return append(dst, b...), nil
}

// Replies takes answers off a connection. It is for one goroutine.
type Replies struct {
	conn   io.Reader
	framed bool
	ser    Serializer
	rest   []byte // read ahead, of streams
}

// NewReplies reads the answers of a peer that was asked in frames, or streams.
func NewReplies(conn io.Reader, framed bool, s Serializer) *Replies {
	return &Replies{conn: conn, framed: framed, ser: s}
}

// Next returns the next answer: an element, a map, a set, or nil for a miss.
// After an error the connection is of no more use.
func (r *Replies) Next() (javaser.Value, error) {
	if r.framed {
		b, err := readFrame(r.conn, nil)
		if err != nil {
			return nil, err
		}
		return openFrame(javaser.NewBytesDecoder(nil, limits), b, &r.ser)
	}
	d := javaser.NewDecoder(io.MultiReader(&prefix{r.rest}, r.conn), limits)
	v, err := d.Next()
	r.rest = slices.Clone(d.Rest())
	return v, err
}
