// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/binary"
	"fmt"
	"maps"

	"lateral/cache"
	"lateral/converge"
)

// listKeys sends the next frame of keys and stamps, or ends the sync.
func (s *syncer) listKeys(o *asking) error {
	if len(o.buckets) == 0 {
		o.open--
		if o.open <= 0 {
			s.ours = nil
			return s.send(frameDone, answerTo(o.n))
		}
		return nil
	}
	p := answerTo(o.n)
	for len(o.buckets) > 0 && len(p) < syncFrameSize {
		b := o.buckets[0]
		o.buckets = o.buckets[1:]
		entries := o.listing[b]
		if size := entriesSize(entries); size > maxKeys/2 {
			s.l.m.c.Logger.Warn("keys are too long to be compared: a part of a region stays unsynced",
				"region", o.r.Name(), "keys", len(entries), "bytes", size, "peer", s.l.name())
			continue
		}
		p = binary.AppendUvarint(p, uint64(b))
		p = binary.AppendUvarint(p, uint64(len(entries)))
		for _, e := range entries {
			p = appendText(p, e.Key)
			p = binary.BigEndian.AppendUint64(p, e.Stamp.Time)
			p = binary.BigEndian.AppendUint64(p, uint64(e.Stamp.Node))
		}
		delete(o.listing, b)
	}
	return s.send(frameKeys, p)
}

// compareKeys answers a frame of keys: what we have newer, what we want.
func (s *syncer) compareKeys(a *answering, sc *scan) error {
	if a.listing == nil {
		return fmt.Errorf("%w: keys of a sync that was not agreed on", ErrProtocol)
	}
	listed, err := s.readBuckets(a, sc)
	if err != nil {
		return err
	}
	want := answerTo(a.n)
	empty := len(want)
	for _, l := range listed {
		newer, lacking := converge.Compare(a.listing[l.bucket], l.entries)
		delete(a.listing, l.bucket)
		if err := s.sendElements(a.r, newer); err != nil {
			return err
		}
		for _, k := range lacking {
			want = appendText(want, k)
		}
	}
	if len(want) > empty {
		if err := s.send(frameWant, want); err != nil {
			return err
		}
	}
	return s.send(frameNext, answerTo(a.n))
}

// bucketKeys is what the asker has in one bucket.
type bucketKeys struct {
	bucket  int
	entries []converge.Entry
}

// readBuckets takes a frame of keys apart, and sees to it that our own listing
// has all of its buckets: one that differed for the asker only is listed now,
// in one pass over the region for the whole frame.
func (s *syncer) readBuckets(a *answering, sc *scan) (out []bucketKeys, err error) {
	var missing []int
	seen := map[int]bool{}
	for sc.s != "" && !sc.bad {
		b := sc.uvarint()
		if b >= converge.Buckets || seen[int(b)] {
			return nil, fmt.Errorf("%w: keys of bucket %d of %d, or twice of one", ErrProtocol, b, converge.Buckets)
		}
		seen[int(b)] = true
		if _, ok := a.listing[int(b)]; !ok {
			missing = append(missing, int(b))
		}
		out = append(out, bucketKeys{int(b), readEntries(sc)})
	}
	if err := sc.err(frameKeys); err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		maps.Copy(a.listing, converge.List(a.r.Digest(), a.r, missing))
	}
	return out, nil
}

// entriesSize is what entries take in a frame, at most.
func entriesSize(entries []converge.Entry) int {
	n := 2 * binary.MaxVarintLen32
	for _, e := range entries {
		n += binary.MaxVarintLen32 + len(e.Key) + 16
	}
	return n
}

func readEntries(sc *scan) []converge.Entry {
	n := sc.uvarint()
	if n > uint64(len(sc.s))/17 { // a length and a stamp each
		sc.bad = true
		return nil
	}
	out := make([]converge.Entry, 0, n)
	for range n {
		out = append(out, converge.Entry{Key: sc.text(cache.MaxKey),
			Stamp: cache.Stamp{Time: sc.uint64(), Node: cache.NodeID(sc.uint64())}})
	}
	return out
}
