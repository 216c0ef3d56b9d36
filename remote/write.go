// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/valkey-io/valkey-go"

	"lateral/cache"
)

const (
	chunk      = 256     // elements that are written, or asked about, at once
	chunkBytes = 8 << 20 // … and bytes of them
	retry      = 100 * time.Millisecond
	retryMost  = time.Second
)

// writes writes the queue until ctx ends.
func (t *Tier) writes(ctx context.Context) {
	pause := retry
	for ctx.Err() == nil {
		if !t.take() {
			select {
			case <-ctx.Done():
			case <-t.wake:
			}
			continue
		}
		left := t.write(ctx)
		t.finish(left)
		if left.size() == 0 {
			pause = retry
			continue
		}
		sleep(ctx, pause)
		pause = min(2*pause, retryMost)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	tick := time.NewTimer(d)
	defer tick.Stop()
	select {
	case <-ctx.Done():
	case <-tick.C:
	}
}

// write writes the batch and returns what is to be tried again. Only writes
// writes, and so changes t.writing.
func (t *Tier) write(ctx context.Context) (left batch) {
	left = newBatch()
	b := t.writing
	if len(b.floors) > 0 && t.writeFloors(ctx, b.floors) != nil {
		left.floors = b.floors
	}
	var part []cache.Element
	size := int64(0)
	flush := func() {
		for _, e := range t.writePart(ctx, part) {
			left.notes[e.Key] = e
		}
		part, size = part[:0], 0
	}
	for _, key := range slices.Collect(maps.Keys(b.notes)) {
		e := b.notes[key]
		part = append(part, e)
		if size += weight(&e); len(part) == chunk || size >= chunkBytes {
			flush()
		}
	}
	if len(part) > 0 {
		flush()
	}
	return left
}

// perElement are the commands that write one.
const perElement = 3

// writePart adds the versions, and deletes those that they, or later ones, replace.
func (t *Tier) writePart(ctx context.Context, part []cache.Element) (left []cache.Element) {
	cl, err := t.s.data()
	if err != nil {
		return slices.Clone(part)
	}
	ctx, cancel := t.s.within(ctx, t.s.c.Silent)
	defer cancel()
	now := t.s.c.Now().UnixMilli()
	cmds := make([]valkey.Completed, 0, perElement*len(part))
	for i := range part {
		cmds = append(cmds, t.adding(cl, &part[i], now)...)
	}
	res := cl.DoMulti(ctx, cmds...)
	var clean []valkey.Completed
	for i := range part {
		e := &part[i]
		r := res[perElement*i : perElement*(i+1)]
		err := r[0].Error()
		if isKind(err, "WRONGTYPE") || isKind(err, "OOM") {
			err = t.replace(ctx, cl, e, now, isKind(err, "OOM"))
		}
		if err != nil {
			t.s.failed(err)
			left = append(left, *e)
			continue
		}
		t.wrote(e)
		if names, err := r[2].AsStrSlice(); err == nil && len(names) > 1 {
			clean = append(clean, t.cleaning(cl, e, names, now)...)
		}
	}
	t.countLeft(len(left))
	if len(clean) > 0 {
		cl.DoMulti(ctx, clean...) // what stays is deleted by whoever writes next
		t.touched(part)
	}
	return left
}

func (t *Tier) adding(cl valkey.Client, e *cache.Element, now int64) []valkey.Completed {
	k := t.key(e.Key)
	return []valkey.Completed{
		cl.B().Hset().Key(k).FieldValue().FieldValue(fieldOf(e), e.Value.Bytes).Build(),
		cl.B().Pexpireat().Key(k).MillisecondsTimestamp(ends(e, now, t.c.Retention, t.forget())).Build(),
		cl.B().Hkeys().Key(k).Build(),
	}
}

// replace writes where a string is in the way, or the server is full: then it
// deletes what is older and keeps nothing.
func (t *Tier) replace(ctx context.Context, cl valkey.Client, e *cache.Element, now int64, full bool) error {
	if err := cl.Do(ctx, cl.B().Del().Key(t.key(e.Key)).Build()).Error(); err != nil {
		return err
	}
	if full {
		if e.State == cache.Live {
			t.mu.Lock()
			t.count.lost++
			t.mu.Unlock()
		}
		return nil
	}
	return cl.DoMulti(ctx, t.adding(cl, e, now)...)[0].Error()
}

// cleaning deletes the versions of a key that are not the newest.
func (t *Tier) cleaning(cl valkey.Client, e *cache.Element, names []string, now int64) (cmds []valkey.Completed) {
	field, top, older := newest(names)
	if len(older) == 0 {
		return nil
	}
	k := t.key(e.Key)
	cmds = append(cmds, cl.B().Hdel().Key(k).Field(older...).Build())
	if field != fieldOf(e) { // its end is not that of what was written last
		top.Key = e.Key
		cmds = append(cmds, cl.B().Pexpireat().Key(k).MillisecondsTimestamp(ends(&top, now, t.c.Retention, t.forget())).Build())
	}
	return cmds
}

// wrote counts, and notes that the invalidation that follows is of this node's doing.
func (t *Tier) wrote(e *cache.Element) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.State == cache.Live {
		t.count.written++
	} else {
		t.count.removed++
	}
	t.ownLocked(e.Key)
}

func (t *Tier) touched(part []cache.Element) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range part {
		t.ownLocked(part[i].Key)
	}
}

func (t *Tier) countLeft(n int) {
	t.mu.Lock()
	t.count.failures += uint64(min(n, 1))
	t.mu.Unlock()
}

// writeFloors adds removals of many, and has what they mean deleted.
func (t *Tier) writeFloors(ctx context.Context, fs floors) error {
	cl, err := t.s.data()
	if err != nil {
		return err
	}
	ctx, cancel := t.s.within(ctx, t.s.c.Silent)
	defer cancel()
	t.mu.Lock()
	asked := t.asked
	t.mu.Unlock()
	set := cl.B().Hset().Key(t.hash).FieldValue()
	for k, s := range fs {
		set = set.FieldValue(k.field(s), "")
	}
	res := cl.DoMulti(ctx, set.Build(), cl.B().Pexpire().Key(t.hash).Milliseconds(max(t.c.Retention, 2*late).Milliseconds()).Build(), cl.B().Hkeys().Key(t.hash).Build())
	for _, r := range res[:2] {
		if err := r.Error(); err != nil {
			return t.s.failed(err)
		}
	}
	names, err := res[2].AsStrSlice()
	if err != nil {
		return t.s.failed(err)
	}
	all, idle := readFloors(names)
	if len(all) > maxFloors {
		everything := floor{op: cache.RemoveAll}.field(all.median())
		if err := cl.Do(ctx, cl.B().Hset().Key(t.hash).FieldValue().FieldValue(everything, "").Build()).Error(); err != nil {
			return t.s.failed(err)
		}
		all, idle = readFloors(append(names, everything))
	}
	if len(idle) > 0 {
		cl.Do(ctx, cl.B().Hdel().Key(t.hash).Field(idle...).Build())
	}
	t.adopt(all, asked)
	t.mu.Lock()
	t.count.removed += uint64(len(fs))
	t.mu.Unlock()
	poke(t.sweeps)
	return nil
}
