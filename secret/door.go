// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// Rights are what somebody may do at a front.
type Rights int

const (
	Nothing Rights = iota
	Reads          // may look, and change nothing
	All
)

// ErrWord refuses a word that is none of those a door knows.
var ErrWord = errors.New("not a word that opens anything here")

// A Door lets into a front whoever knows the word (password, token) in a
// private file. Its methods may be called by many goroutines.
type Door struct {
	all, reads string // files; "": nobody gets that
	now        func() time.Time
	words      atomic.Pointer[lines]
	guesses    guesses
}

// lines are the sums of the words, so that comparing tells no length.
type lines struct {
	stamps           [2]stamp
	all, reads       [sha256.Size]byte
	hasAll, hasReads bool
}

// OpenDoor reads the word that opens everything, and the one with which one
// may only look, of their files; one of the two may be "". now is nil for
// time.Now.
func OpenDoor(all, reads string, now func() time.Time) (*Door, error) {
	if now == nil {
		now = time.Now
	}
	d := &Door{all: all, reads: reads, now: now}
	return d, d.Reload()
}

// Reload reads the files again. After an error everything stays as it was.
func (d *Door) Reload() error {
	w := &lines{stamps: d.stamps()}
	for _, f := range []struct {
		path string
		sum  *[sha256.Size]byte
		any  *bool
	}{{d.all, &w.all, &w.hasAll}, {d.reads, &w.reads, &w.hasReads}} {
		if f.path == "" {
			continue
		}
		word, err := ReadPassword(f.path)
		if err != nil {
			return err
		}
		*f.sum, *f.any = sha256.Sum256([]byte(word)), true
	}
	if w.hasAll && w.hasReads && w.all == w.reads {
		return errors.New(d.reads + " and " + d.all + " have the same word, so whoever may look may do everything; write another into one of them")
	}
	d.words.Store(w)
	return nil
}

func (d *Door) stamps() [2]stamp { return [2]stamp{stampOf(d.all), stampOf(d.reads)} }

// Run reads the files again whenever one changes, until ctx ends. Who is in
// stays in.
func (d *Door) Run(ctx context.Context, log *slog.Logger) error {
	return whenChanged(ctx, d.words.Load().stamps, d.stamps, func() {
		if err := d.Reload(); err != nil {
			log.Error("the passwords are not changed: the files cannot be used; this service goes on with what it has", "error", err)
		} else {
			log.Info("the passwords were read again", "file", d.all, "read_file", d.reads)
		}
	})
}

// Enter judges a word that came from an address, in the same time whatever it
// is. After too many wrong ones from one host the right one is not looked at
// either, for a minute: an answer would be one more guess.
func (d *Door) Enter(addr, word string) (Rights, error) {
	host, now := hostOf(addr), d.now()
	if !d.guesses.allowed(host, now) {
		return Nothing, ErrGuesses
	}
	w, sum := d.words.Load(), sha256.Sum256([]byte(word))
	all := subtle.ConstantTimeCompare(sum[:], w.all[:]) == 1 && w.hasAll
	reads := subtle.ConstantTimeCompare(sum[:], w.reads[:]) == 1 && w.hasReads
	switch {
	case all:
		return All, nil
	case reads:
		return Reads, nil
	}
	d.guesses.failed(host, now)
	return Nothing, ErrWord
}

// whenChanged calls f whenever what look returns is another than before, until
// ctx ends.
func whenChanged[T comparable](ctx context.Context, seen T, look func() T, f func()) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if now := look(); now != seen {
			seen = now
			f()
		}
	}
}
