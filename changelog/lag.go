// SPDX-License-Identifier: Apache-2.0

package changelog

import "lateral/cache"

// Lag sums up the changes after a number: what a peer that acknowledged it
// still lacks. It reads those records, so its cost grows with the lag.
func (l *Log) Lag(acked uint64, nowMs int64) cache.Lag {
	l.mu.Lock()
	chunks, names, next := l.chunks, l.names, l.next
	ends := make([]int, len(chunks))
	for i, k := range chunks {
		ends[i] = len(k.buf)
	}
	l.mu.Unlock()
	lag := cache.Lag{}
	if acked+1 >= next {
		return lag
	}
	lag.Changes = next - 1 - acked
	lag.Regions = map[string]cache.RegionLag{}
	for i, k := range chunks {
		seq, off := k.first, 0
		if i+1 < len(chunks) && chunks[i+1].first <= acked+1 {
			continue
		}
		for off < ends[i] {
			n, w := uvarint(k.buf[off:ends[i]])
			rec := k.buf[off+w : off+w+int(n)]
			off += w + int(n)
			if seq++; seq-1 <= acked {
				continue
			}
			addLag(&lag, rec, names, nowMs)
		}
	}
	return lag
}

func addLag(lag *cache.Lag, rec []byte, names []string, nowMs int64) {
	d := decoder{s: string(rec[:min(len(rec), fixed)])}
	d.byte()
	flags := d.byte()
	age := max(nowMs-cache.Stamp{Time: d.uint64()}.UnixMilli(), 0)
	if flags&flagForeign != 0 {
		d.uint64()
	}
	lag.Bytes += uint64(len(rec))
	lag.Millis = max(lag.Millis, age)
	if n := d.uvarint(); n < uint64(len(names)) {
		r := lag.Regions[names[n]]
		r.Changes++
		r.Bytes += uint64(len(rec))
		r.Millis = max(r.Millis, age)
		lag.Regions[names[n]] = r
	}
}
