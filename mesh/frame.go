// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"lateral/changelog"
)

// Magic opens every connection of this protocol. A Java object stream starts
// with AC ED 00 05, a JCS 3 frame with a length that is far smaller, TLS with
// 16 03: four bytes tell them apart on one port.
const Magic = "LTR1"

// The limits of the protocol, each checked before anything is allocated.
const (
	maxHello   = 256 << 10               // 4,000 regions with names of 50 bytes
	maxRow     = 1 << 20                 // 4,096 members of 250 bytes
	maxControl = 64 << 10                // acks, heartbeats, reasons
	maxGet     = 72 << 10                // the longest key and region name
	maxData    = changelog.MaxRecord + 8 // one record of the largest value
	maxSketch  = 4 << 20                 // the largest sketch, or the hash of each element decoded of it
	maxKeys    = 192 << 10               // what a frame of keys is filled to, and the longest key
	maxNames   = 4096                    // regions that one log may speak of
	maxReason  = 1 << 10                 // bytes of text that a peer may have us print

	maxName       = 255          // bytes of a name by which a member is known: it is in logs, tables and every row
	maxSiblings   = 64           // what a hello can have Verdict look for
	maxNamesFrame = maxHello / 2 // what a frame of names is filled to: half of what is allowed
	maxMessage    = 1<<20 + 16   // a message with its channel: what waits for a slow link is some of them at least
)

// A frameType says what a frame holds. Wire numbers: only append to this list.
type frameType byte

const (
	frameHello    frameType = iota + 1 // who I am (JSON)
	frameResume                        // how far I have read your log
	frameNames                         // numbers of regions in my log
	frameChanges                       // records of my log
	frameAck                           // how far I have applied your log
	frameBeat                          // I am alive; my clock
	frameRow                           // my links (JSON)
	frameGap                           // changes you have not read are lost
	frameGet                           // have you got this element?
	frameReply                         // yes, this one; or no
	frameRoot                          // sync, asker: sum of my digest of a region
	frameSame                          // sync, answerer: mine is the same
	frameCells                         // sync, answerer: my sketch
	frameOn                            // sync, asker: one more frame of keys
	frameKeys                          // sync, answerer: keys and stamps of what was asked by hashes
	frameWant                          // sync, asker: keys whose elements I lack
	frameElements                      // sync, both: elements
	frameNext                          // sync, answerer: that is answered
	frameWhich                         // sync, asker: hashes of what only you have
	frameGoaway                        // I close this link, and why
	frameShares                        // regions that I have got since my hello (JSON)
	frameRound                         // sync, asker: I begin to compare all regions
	frameEnd                           // sync, asker: all are compared
	frameEnded                         // sync, answerer: and I have merged what I lacked
	frameTouches                       // elements that were read lately
	frameTake                          // may I take this element out, alone?
	frameVote                          // yes; or why not
	frameAsk                           // grant me a lease
	frameLease                         // it is granted
	frameHold                          // keep this key out of memory
	frameHeld                          // it is
	frameRelease                       // not any longer
	frameFill                          // fill, asker: I have nothing, give me these buckets
	frameShare                         // fill, answerer: so many elements come
	frameLater                         // sync, answerer: I am being filled myself
	frameMessage                       // for clients that subscribe to a channel
	frameReckon                        // whom I wait for before I forget a removal
	frameFront                         // how far I have come, and know others to have
	frameReplay                        // all my changes follow, but values come by a sync
	frameLook                          // what do you hold? for people who verify (JSON)
	frameSaw                           // this (JSON)
)

var frameTexts = [...]string{"?", "hello", "resume", "names", "changes", "ack", "beat", "row", "gap", "get", "reply",
	"root", "same", "cells", "on", "keys", "want", "elements", "next", "which", "goaway", "shares", "round", "end", "ended", "touches", "take", "vote",
	"ask", "lease", "hold", "held", "release",
	"fill", "share", "later", "message", "reckon", "front", "replay", "look", "saw"}

func (t frameType) String() string {
	if int(t) < len(frameTexts) {
		return frameTexts[t]
	}
	return fmt.Sprintf("type %d", byte(t))
}

// limit is the longest payload of a frame.
func (t frameType) limit() int {
	switch t {
	case frameHello:
		return maxHello
	case frameRow:
		return maxRow
	case frameChanges, frameReply, frameElements:
		return maxData
	case frameCells, frameWhich, frameLook, frameSaw:
		return maxSketch
	case frameKeys, frameWant:
		return maxKeys
	case frameMessage:
		return maxMessage
	case frameGet, frameTouches, frameTake, frameHold:
		return maxGet
	case frameNames, frameShares:
		return maxHello
	}
	return maxControl
}

// ErrProtocol is wrapped by every error about what a peer sent.
var ErrProtocol = errors.New("protocol error")

func protocolErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrProtocol}, args...)...)
}

const headerSize = 5

// appendFrame puts a frame around a payload.
func appendFrame(b []byte, t frameType, payload []byte) []byte {
	return append(appendHeader(b, t, len(payload)), payload...)
}

func appendHeader(b []byte, t frameType, n int) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(t)), uint32(n))
}

// readFrame reads one frame into buf, which grows as needed up to the limit of
// the frame's type, and is never larger than what has really arrived times two.
func readFrame(r io.Reader, buf []byte) (frameType, []byte, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, buf, err
	}
	t, n := frameType(head[0]), int(binary.BigEndian.Uint32(head[1:]))
	if t == 0 || int(t) >= len(frameTexts) {
		return 0, buf, fmt.Errorf("%w: a frame of unknown %s", ErrProtocol, t)
	}
	if n > t.limit() {
		return 0, buf, fmt.Errorf("%w: a %s frame declares %d bytes, at most %d are allowed", ErrProtocol, t, n, t.limit())
	}
	buf, err := readBody(r, buf[:0], n)
	return t, buf, err
}

// firstPiece is how much is allocated on the word of a header alone.
const firstPiece = 1 << 20

func readBody(r io.Reader, buf []byte, n int) ([]byte, error) {
	for len(buf) < n {
		have := len(buf)
		piece := min(n-have, max(firstPiece, have))
		if cap(buf)-have < piece {
			grown := make([]byte, have, have+piece)
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:have+piece]
		if _, err := io.ReadFull(r, buf[have:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return buf[:have], err
		}
	}
	return buf, nil
}

// A scan takes fields off a payload; bad is set by the first that is not there.
type scan struct {
	s   string
	bad bool
}

func (s *scan) uvarint() uint64 {
	n, rest, ok := changelog.Uvarint(s.s)
	s.s, s.bad = rest, s.bad || !ok
	return n
}

func (s *scan) byte() byte {
	if b := s.take(1); b != "" {
		return b[0]
	}
	return 0
}

func (s *scan) uint64() (n uint64) {
	b := s.take(8)
	for i := range len(b) {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// take returns the next n bytes.
func (s *scan) take(n uint64) string {
	if n > uint64(len(s.s)) {
		s.bad, s.s = true, ""
		return ""
	}
	out := s.s[:n]
	s.s = s.s[n:]
	return out
}

// text returns a string that was written with its length.
func (s *scan) text(most int) string {
	n := s.uvarint()
	if n > uint64(most) {
		s.bad, s.s = true, ""
		return ""
	}
	return s.take(n)
}

func (s *scan) err(t frameType) error {
	if s.bad {
		return fmt.Errorf("%w: a %s frame that ends in the middle of a field", ErrProtocol, t)
	}
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
