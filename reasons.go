// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lateral/cache"
	"lateral/region"
)

// reasons says in words which rules decide about a key, from what is known of it.
func reasons(x *cache.Explanation) (why []string) {
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	own := &x.Held[0].Known
	switch {
	case !own.Hidden.IsZero():
		say("this node answers with a value of its own (%s), which was put here alone: peers do not see it, and hold what is shown as theirs", own.Hidden)
	case own.Bypassed && own.Strict:
		say("this node does not look in memory now: the region is strict, and a lease from some member is missing (lateral mesh says whose)")
	case own.Bypassed:
		say("this node does not look in memory now: a link is down, and WhenLinkDown=%s", own.Outage)
	default:
		say("%s", ownReason(own))
	}
	if own.Held {
		say("the key is held: an Update changes its source, and nothing of it is kept until that has ended")
	}
	if x.Mode == "invalidate" {
		why = append(why, invalidReasons(own)...)
	}
	if x.Mode == "replicate" {
		why = append(why, replicaReasons(x)...)
	}
	for i := range x.Held {
		if h := &x.Held[i]; h.Refused != nil {
			say("%s refused %s at %s: %s", h.Member, h.Refused.Stamp, h.Refused.At.Format(time.TimeOnly), h.Refused.Why)
		}
		if h := &x.Held[i]; h.Err != "" {
			say("%s could not be asked: %s", h.Member, h.Err)
		}
	}
	return why
}

// ownReason says what a get on this node finds in memory.
func ownReason(k *cache.Known) string {
	switch {
	case k.FloorAt.Compare(k.Stamp) > 0:
		return fmt.Sprintf("this node says no: %s at %s is newer than what it may have held", k.Floor, k.FloorAt)
	case k.State == cache.KnownTombstone:
		return "this node says no, and asks nobody in a region of sessions: it knows of the removal"
	case k.State == cache.KnownForgotten:
		return "this node says no: it was asked to forget its copy, and a newer write brings the key back"
	case k.State == cache.KnownExpired:
		return "this node says no: what it holds is over its lifetime, and is cleared away at the next pass or get"
	case k.State == cache.KnownAbsent:
		return "this node holds nothing: the key was never put, or was removed so long ago that every member has forgotten it, or capacity pushed it out, or it expired"
	case k.Left > 0:
		return fmt.Sprintf("this node answers with its copy, which lives for another %s if nobody reads it", k.Left.Round(time.Millisecond))
	}
	return "this node answers with its copy"
}

func invalidReasons(k *cache.Known) (why []string) {
	why = append(why, "values of this region do not travel, removals do: each node holds what it loaded itself, and its stamp is its own")
	if k.Invalid > 0 {
		why = append(why, fmt.Sprintf("this key, or one that shares its counter, was last invalidated at %s: what was read from the source before that is not kept",
			time.UnixMilli(k.Invalid).UTC().Format(time.RFC3339Nano)))
	}
	if k.Strict && !k.Bypassed {
		why = append(why, fmt.Sprintf("the region is strict: memory is served for another %s without news of all members", time.Duration(k.Lease)*time.Millisecond))
	}
	return why
}

// replicaReasons compares what the members hold.
func replicaReasons(x *cache.Explanation) (why []string) {
	newest, holders, lack := cache.Stamp{}, 0, ""
	for i := range x.Held {
		if k := &x.Held[i].Known; k.Newest().Compare(newest) > 0 {
			newest = k.Newest()
		}
	}
	for i := range x.Held {
		switch h := &x.Held[i]; {
		case h.Err != "":
		case h.Newest() == newest:
			holders++
		default:
			lack += " " + h.Member
		}
	}
	if newest.IsZero() {
		return []string{"no member that could be asked knows of the key"}
	}
	why = append(why, fmt.Sprintf("%s is the newest that is known, and the larger stamp wins: %d of %d members have it", newest, holders, len(x.Held)))
	if lack != "" {
		why = append(why, "it is on its way to the others, or they may forget it, or it is missing there:"+lack+"; lateral verify tells which")
	}
	own := &x.Held[0].Known
	if newest.Time <= own.Stable {
		why = append(why, "every member is known to have had all changes up to then: removals so old are no longer remembered")
	} else if own.Removed() {
		why = append(why, fmt.Sprintf("the removal is remembered until every member has it, %s at most", time.Duration(own.Retention)*time.Millisecond))
	}
	return why
}

// diskReasons says what the disks of a region have of a key, beside memory.
func (b *bound) diskReasons(key string) (why []string) {
	for _, d := range b.disks {
		switch e, state := d.Look(key); state {
		case cache.KnownLive:
			why = append(why, fmt.Sprintf("disk %s has the value of %s (%d bytes): a get that finds nothing in memory is answered with it, unless a removal is newer", d.name, e.Stamp, len(e.Value.Bytes)))
		case cache.KnownExpired:
			why = append(why, fmt.Sprintf("disk %s has a value of %s that is over its lifetime: it is not served", d.name, e.Stamp))
		case cache.KnownTombstone:
			why = append(why, fmt.Sprintf("disk %s knows of the removal at %s", d.name, e.Stamp))
		default:
			why = append(why, fmt.Sprintf("disk %s has nothing of the key", d.name))
		}
	}
	return why
}

// lookTiers asks the remote tiers of a region what they have of a key, all at once.
func (b *bound) lookTiers(ctx context.Context, key string) <-chan []cache.TierHolding {
	out := make(chan []cache.TierHolding, 1)
	go func() {
		held := make([]cache.TierHolding, len(b.tiers))
		var all sync.WaitGroup
		for i, t := range b.tiers {
			all.Go(func() { held[i] = t.look(ctx, b.n.now(), key) })
		}
		all.Wait()
		out <- held
	}()
	return out
}

func (t *regionTier) look(ctx context.Context, now int64, key string) cache.TierHolding {
	h := cache.TierHolding{Name: t.name, Servers: t.Status().Servers}
	e, state, waits, err := t.Look(ctx, key)
	if err != nil {
		h.Err = err.Error()
		return h
	}
	h.State, h.Stamp, h.Waiting = state, e.Stamp, waits
	if state == cache.KnownLive || state == cache.KnownExpired {
		region.Describe(&h.Known, now, &e)
	}
	return h
}

// tierReasons says what the remote tiers of a region have of a key.
func tierReasons(tiers []cache.TierHolding) (why []string) {
	for i := range tiers {
		h := &tiers[i]
		where := fmt.Sprintf("remote tier %s (%s)", h.Name, h.Servers)
		if h.Waiting {
			where = fmt.Sprintf("the queue for %s, which has not got it yet,", where)
		}
		switch {
		case h.Err != "":
			why = append(why, fmt.Sprintf("%s could not be asked: %s", where, h.Err))
		case h.State == cache.KnownLive:
			why = append(why, fmt.Sprintf("%s has the value of %s (%d bytes): a get that finds nothing before is answered with it, unless a removal is newer", where, h.Stamp, h.Bytes))
		case h.State == cache.KnownExpired:
			why = append(why, fmt.Sprintf("%s has a value of %s that is over its lifetime: it is not served", where, h.Stamp))
		case h.State == cache.KnownTombstone:
			why = append(why, fmt.Sprintf("%s knows of a removal at %s or later: what it has is not served", where, h.Stamp))
		default:
			why = append(why, fmt.Sprintf("%s has nothing of the key", where))
		}
	}
	return why
}
