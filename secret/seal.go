// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The layout of what Seal returns; doc.go has the table.
const (
	timeAt  = fingerprintSize
	nonceAt = timeAt + 8
	textAt  = nonceAt + nonceSize
	macSize = sha256.Size

	nonceSize = aes.BlockSize

	// Overhead is what sealing adds.
	Overhead = textAt + macSize
)

// The limits of sealed packets.
const (
	// MaxSealed bounds what Open looks at: an announcement fits well.
	MaxSealed = 1 << 10
	// MaxAge is how far the time of a packet may be from ours, either way: more
	// than clocks of one network differ, less than it takes to make use of an
	// old packet.
	MaxAge = 30 * time.Second
	// maxHeard bounds the packets that are remembered against replay. Only
	// authentic ones are; 300 members that send ten a second each for twice
	// MaxAge, which they do not, are fewer.
	maxHeard = 1 << 18
)

// Why a packet is not believed. ErrOther comes as *Other.
var (
	ErrForged   = errors.New("it forges packets: they claim this cluster's secret, and their seal is not made with it")
	ErrAge      = errors.New("its time is not ours")
	ErrReplayed = errors.New("it repeats packets that were heard before")
	ErrShort    = errors.New("it is cut")
	ErrFull     = errors.New("too many packets are remembered against replay")
)

// Other is the refusal of who uses a secret that we have not.
type Other struct{ Fingerprint string }

func (o *Other) Error() string { return "it uses another secret, fingerprint " + o.Fingerprint }

// A seal is what one secret seals and opens packets with.
type seal struct {
	fingerprint []byte
	mac         []byte
	names       cipher.Block
}

func newSeal(s Secret) seal {
	block, err := aes.NewCipher(s.derive(forNames, 32))
	if err != nil { // only for other sizes of keys
		panic(err)
	}
	return seal{s.derive(forFingerprint, fingerprintSize), s.derive(forMAC, 32), block}
}

func (s *seal) sum(b []byte) []byte {
	h := hmac.New(sha256.New, s.mac)
	h.Write(b)
	return h.Sum(nil)
}

// append seals text.
func (s *seal) append(buf, text []byte, now time.Time) []byte {
	start := len(buf)
	buf = append(buf, s.fingerprint...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(now.UnixMilli()))
	var nonce [nonceSize]byte
	rand.Read(nonce[:])
	buf = append(buf, nonce[:]...)
	at := len(buf)
	buf = append(buf, text...)
	cipher.NewCTR(s.names, nonce[:]).XORKeyStream(buf[at:], buf[at:])
	return append(buf, s.sum(buf[start:])...)
}

// open checks that b is one of ours, and returns its text and time.
func (s *seal) open(b []byte) (text []byte, sent time.Time, err error) {
	end := len(b) - macSize
	if !hmac.Equal(s.sum(b[:end]), b[end:]) {
		return nil, sent, ErrForged
	}
	text = slices.Clone(b[textAt:end])
	cipher.NewCTR(s.names, b[nonceAt:textAt]).XORKeyStream(text, text)
	return text, time.UnixMilli(int64(binary.BigEndian.Uint64(b[timeAt:]))), nil
}

// Seal appends text, sealed with the secret that sends.
func (r *Ring) Seal(buf, text []byte) []byte {
	return r.keys.Load().seals[0].append(buf, text, r.now())
}

// Open returns the text of a sealed packet that came in on an interface. Its
// error is or wraps one of those above, or is an *Other.
func (r *Ring) Open(b []byte, via string) ([]byte, error) {
	if len(b) < Overhead || len(b) > MaxSealed {
		return nil, ErrShort
	}
	for _, s := range r.keys.Load().seals {
		if !hmac.Equal(s.fingerprint, b[:fingerprintSize]) {
			continue
		}
		text, sent, err := s.open(b)
		if err != nil {
			return nil, err
		}
		now := r.now()
		switch d := sent.Sub(now); {
		case d > MaxAge:
			return nil, fmt.Errorf("%w: it is %v ahead, at most %v are believed: check the clocks of both", ErrAge, d.Round(time.Second), MaxAge)
		case -d > MaxAge:
			return nil, fmt.Errorf("%w: it is %v old, at most %v are believed: a recorded packet is sent again, or the clocks differ", ErrAge, (-d).Round(time.Second), MaxAge)
		}
		return text, r.heard.add([nonceSize]byte(b[nonceAt:textAt]), via, now)
	}
	return nil, &Other{hex.EncodeToString(b[:fingerprintSize])}
}

// heard remembers packets in two generations: a packet is in one of them for
// at least twice MaxAge, which is as long as its time can be believed.
type heard struct {
	mu       sync.Mutex // guards what follows
	new, old map[print]struct{}
	turned   time.Time // when new was begun
}

type print struct {
	nonce [nonceSize]byte
	via   string // interfaces are few, and named by this host
}

func (h *heard) add(nonce [nonceSize]byte, via string, now time.Time) error {
	p := print{nonce, via}
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := now.Sub(h.turned); h.new == nil || age > 2*MaxAge || age < -2*MaxAge { // the clock was set back
		h.old, h.new, h.turned = h.new, map[print]struct{}{}, now
	}
	_, a := h.new[p]
	_, b := h.old[p]
	switch {
	case a || b:
		return ErrReplayed
	case len(h.new) >= maxHeard:
		return ErrFull
	}
	h.new[p] = struct{}{}
	return nil
}
