// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"encoding/binary"

	"lateral/cache"
)

// Lag sums up the changes after a number: what a peer that acknowledged it
// still lacks. It reads those records, so its cost grows with the lag; writers
// are not held up meanwhile.
func (l *Log) Lag(acked uint64, nowMs int64) cache.Lag {
	l.mu.Lock()
	next, names := l.next, l.names
	var held []chunk // a copy: Append moves the ends of the originals
	for i, k := range l.chunks {
		if i+1 == len(l.chunks) || l.chunks[i+1].first > acked+1 {
			held = append(held, *k)
		}
	}
	l.mu.Unlock()
	if acked+1 >= next {
		return cache.Lag{}
	}
	lag := cache.Lag{Changes: next - 1 - acked, Regions: map[string]cache.RegionLag{}}
	for _, k := range held {
		for seq, rest := k.first, k.buf; len(rest) > 0; seq++ {
			n, w := uvarint(rest)
			rec := rest[w : w+int(n)]
			rest = rest[w+int(n):]
			if seq > acked {
				addLag(&lag, rec, names, nowMs)
			}
		}
	}
	return lag
}

func addLag(lag *cache.Lag, rec []byte, names []string, nowMs int64) {
	at := 2 + 8 // operation, flags, time of the stamp
	age := max(nowMs-cache.Stamp{Time: binary.BigEndian.Uint64(rec[2:])}.UnixMilli(), 0)
	if rec[1]&flagForeign != 0 {
		at += 8
	}
	switch rec[0] & (opReplaced | opReplacedOwn) {
	case opReplaced:
		at += 16
	case opReplaced | opReplacedOwn:
		at += 8
	}
	lag.Bytes += uint64(len(rec))
	lag.Millis = max(lag.Millis, age)
	if n, _ := uvarint(rec[at:]); n < uint64(len(names)) {
		r := lag.Regions[names[n]]
		r.Changes++
		r.Bytes += uint64(len(rec))
		r.Millis = max(r.Millis, age)
		lag.Regions[names[n]] = r
	}
}
