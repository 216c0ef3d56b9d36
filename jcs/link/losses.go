// SPDX-License-Identifier: Apache-2.0

package link

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// A ledger counts what did not pass between Java nodes and others, by kind,
// way, region and cause, and what a bridge relayed. It never grows beyond
// cache.MaxJavaLosses: strangers can make up classes and regions.
type ledger struct {
	mu      sync.Mutex // guards what follows
	losses  map[cause]*cache.JavaLoss
	relayed map[[2]string]int64 // by the families from and to: there are four
}

// A cause is what losses have in common.
type cause struct{ kind, from, to, region, class, why string }

// maxLossText bounds each text of a cause, in bytes.
const maxLossText = 200

// note counts n losses of one cause. key is for people.
func (b *ledger) note(c cause, n int64, key string, now time.Time) {
	c.region, c.class = clip(c.region), clip(c.class)
	b.mu.Lock()
	defer b.mu.Unlock()
	loss := b.losses[c]
	if loss == nil {
		if len(b.losses) >= cache.MaxJavaLosses-3 { // room for the rest of each kind
			c = cause{kind: c.kind, why: "others, of which there are too many to tell apart"}
			loss = b.losses[c]
		}
		if loss == nil {
			loss = &cache.JavaLoss{Kind: c.kind, From: c.from, To: c.to, Region: c.region, Class: c.class, Why: c.why}
			if b.losses == nil {
				b.losses = map[cause]*cache.JavaLoss{}
			}
			b.losses[c] = loss
		}
	}
	loss.Count += n
	loss.Key, loss.Last = clip(key), now
}

func clip(s string) string { return s[:min(len(s), maxLossText)] }

// passed counts a change that was relayed.
func (b *ledger) passed(from, to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.relayed == nil {
		b.relayed = map[[2]string]int64{}
	}
	b.relayed[[2]string{from, to}]++
}

// Losses returns what did not pass, the most frequent of each kind first, and
// what a bridge relayed.
func (l *Links) Losses() (losses []cache.JavaLoss, relayed []cache.Relayed) {
	b := &l.ledger
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.losses {
		losses = append(losses, *x)
	}
	for way, n := range b.relayed {
		relayed = append(relayed, cache.Relayed{From: way[0], To: way[1], Changes: n})
	}
	slices.SortFunc(losses, cache.JavaLoss.Compare)
	slices.SortFunc(relayed, func(a, b cache.Relayed) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return losses, relayed
}

// why sorts an error into the causes there are. The texts of errors have keys
// and values in them, and there would be no end of them.
func why(err error) (text, class string) {
	var denied *javaser.DeniedError
	switch {
	case errors.As(err, &denied):
		return "JCS refuses the class", denied.Class
	case errors.Is(err, errNoTags):
		return "a tag was removed, and JCS has none: Java nodes keep what had it", ""
	case errors.Is(err, jcs.ErrForm):
		return "a hash of Redis's fields, which Java has not", ""
	case errors.Is(err, jcs.ErrKey):
		return "a key that is not UTF-8", ""
	case errors.Is(err, cache.ErrTooLarge), errors.Is(err, javaser.ErrLimit):
		return "larger, or deeper, than a message may be", ""
	case errors.Is(err, javaser.ErrForgotten):
		return "it refers to what had to be forgotten of a stream that JCS 2 never resets", ""
	case errors.Is(err, jcs.ErrProtocol), errors.Is(err, javaser.ErrFormat):
		return "no message that JCS sends", ""
	}
	return otherwise, ""
}

const otherwise = "it could not be stored, read or written: the log says why"

// untold counts a change that nodes of a generation can't be told. from is the
// generation that wrote it, "" for Lateral.
func (l *Links) untold(from string, g *jcs.Generation, region, key string, err error) {
	l.counters.untold.Add(1)
	text, class := why(err)
	l.ledger.note(cause{cache.LossUntold, from, g.Family, region, class, text}, 1, cache.KeyText(key), l.c.Now())
}

// refused counts what a Java node said and was not taken. What is not about a
// message, as a connection that breaks, is not counted here.
func (l *Links) refused(from, region, key string, err error) {
	text, class := why(err)
	if text == otherwise && region == "" {
		return
	}
	l.ledger.note(cause{cache.LossRefused, from, "", region, class, text}, 1, key, l.c.Now())
}

// relayedTo counts a change of one generation that another was told, and names
// the classes in it that do not come with Java.
func (l *Links) relayedTo(from string, g *jcs.Generation, region, key string, v cache.Value) {
	l.ledger.passed(from, g.Family)
	for _, class := range jcs.Foreign(key, v) {
		l.ledger.note(cause{cache.LossClass, from, g.Family, region, class, "only who has this class can read it"}, 1, cache.KeyText(key), l.c.Now())
	}
}
