// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"strings"

	"github.com/valkey-io/valkey-go"
)

// sweepsUp deletes what removals of many mean, until ctx ends. They count without it: it
// makes room.
func (t *Tier) sweepsUp(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.sweeps:
		}
		cl, err := t.s.data()
		if err != nil {
			continue // what is void ends by its own expiry
		}
		for addr, node := range cl.Nodes() {
			t.s.mu.Lock()
			_, master := t.s.trackers[addr]
			single := len(t.s.trackers) < 2
			t.s.mu.Unlock()
			if master || single {
				t.sweep(ctx, cl, node)
			}
		}
	}
}

// sweep goes through the keys of one master.
func (t *Tier) sweep(ctx context.Context, cl, node valkey.Client) {
	for cursor := uint64(0); ctx.Err() == nil; {
		scan, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(glob(t.hash)+":*").Count(chunk).Build()).AsScanEntry()
		if err != nil {
			return
		}
		if len(scan.Elements) > 0 && !t.sweepKeys(ctx, cl, scan.Elements) {
			return
		}
		if cursor = scan.Cursor; cursor == 0 {
			return
		}
	}
}

func (t *Tier) sweepKeys(ctx context.Context, cl valkey.Client, keys []string) bool {
	var ask, clean []valkey.Completed
	for _, k := range keys {
		ask = append(ask, cl.B().Hkeys().Key(k).Build())
	}
	for i, r := range cl.DoMulti(ctx, ask...) {
		names, err := r.AsStrSlice()
		if isKind(err, "WRONGTYPE") {
			continue // it has no stamp: it may be newer
		}
		if err != nil {
			return false
		}
		if void := t.voidFields(strings.TrimPrefix(keys[i], t.hash+":"), names); len(void) > 0 {
			clean = append(clean, cl.B().Hdel().Key(keys[i]).Field(void...).Build())
		}
	}
	if len(clean) > 0 {
		cl.DoMulti(ctx, clean...)
	}
	return true
}

// voidFields returns the versions that a removal of many means.
func (t *Tier) voidFields(key string, names []string) (void []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range names {
		if e, err := readField(f); err == nil {
			if e.Key = key; t.floors.covers(&e) {
				void = append(void, f)
			}
		}
	}
	return void
}

// glob is a pattern that a text alone matches.
func glob(text string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]", `\`, `[\]`).Replace(text)
}
