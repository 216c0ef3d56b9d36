// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

const (
	heldTime   = 10 * time.Second // in which a node says all that it holds: it looks at each key first
	heldAtOnce = 8                // nodes
	maxHeld    = 256 << 20        // bytes of keys and values, of all nodes together
	costHeld   = 128              // of an element, beside its key and value
)

// Held asks each Java node that shares a region for the keys that it holds
// (cache.Keys) or for the elements (cache.GetMatching), and says of each that
// could not be asked why. The error is about the pattern. It takes at most about heldTime for each eight nodes,
// and ends with ctx. No change waits for it.
//
// JCS knows two questions: GET_KEYSET since JCS 2, of all keys, among which
// Pattern selects here; and GET_MATCHING since 1.3.3, of keys and values, among
// which the Java node selects, by its own regular expressions over its own
// texts of keys. So keys of 1.3.3 come with their values, which are dropped, and
// 1.3 can't be asked.
func (l *Links) Held(ctx context.Context, c cache.Command) ([]cache.JavaHeld, error) {
	match, err := cache.KeyPattern(c.Pattern)
	if err != nil {
		return nil, err
	}
	left := &budget{left: maxHeld}
	room := make(chan struct{}, heldAtOnce)
	var all sync.WaitGroup
	peers := slices.DeleteFunc(l.list(), func(p *peer) bool { return !p.shares(c.Region) || jcs.IsObserver(p.id()) })
	out := make([]cache.JavaHeld, len(peers))
	for i, p := range peers {
		h := &out[i]
		h.Addr, h.Generation, h.ID = p.addr, p.generation().Family, peerID(p.id())
		all.Add(1)
		begun := l.start(ctx, func(ctx context.Context) {
			defer all.Done()
			room <- struct{}{}
			defer func() { <-room }()
			p.held(ctx, &c, match, left, h)
		})
		if !begun {
			all.Done()
			h.Err = cache.ErrClosed.Error()
		}
	}
	all.Wait()
	return out, nil
}

// A budget is what all answers to one caller may take.
type budget struct {
	mu   sync.Mutex
	left int
}

func (b *budget) take(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= n
	return b.left >= 0
}

var errLate = errors.New("no time was left to ask it")

var errHeld = fmt.Errorf("it holds more than can be shown at once (%d MB of all nodes); ask for fewer with a pattern", maxHeld>>20)

func (p *peer) held(ctx context.Context, c *cache.Command, match func(string) bool, left *budget, h *cache.JavaHeld) {
	ctx, cancel := context.WithTimeout(ctx, heldTime)
	defer cancel()
	err := errLate
	if ctx.Err() == nil {
		err = p.hold(ctx, c, match, left, h)
	}
	if err != nil {
		h.Keys, h.Elements, h.Err = nil, nil, err.Error()
	}
}

func (p *peer) hold(ctx context.Context, c *cache.Command, match func(string) bool, left *budget, h *cache.JavaHeld) error {
	if _, why := p.status(); why != "" {
		return errors.New("it is not connected: " + why)
	}
	g := p.generation()
	m, err := heldQuestion(g, c)
	if err != nil {
		return err
	}
	v, err := p.ask(ctx, g, m)
	switch {
	case errors.Is(err, errSilent) && g == jcs.JCS133:
		return errors.New("it has not answered: JCS before 1.3.3 does not know the question, and in its connections looks like 1.3.3")
	case err != nil:
		return err
	case m.Op == jcs.GetKeySet:
		h.Keys, err = heldKeys(v, match, left)
		return err
	}
	h.Elements, err = p.heldElements(v, left)
	if err == nil && c.Op == cache.Keys {
		for i := range h.Elements {
			h.Keys = append(h.Keys, h.Elements[i].Key)
		}
		h.Elements = nil
	}
	return err
}

// heldQuestion is what a generation is asked.
func heldQuestion(g *jcs.Generation, c *cache.Command) (m jcs.Message, err error) {
	m.Element.Region = c.Region
	switch {
	case g == jcs.JCS13:
		return m, errors.New("JCS 1.3 has no question for the keys or elements that a node holds; 1.3.3 has")
	case c.Op == cache.Keys && g != jcs.JCS133:
		m.Op = jcs.GetKeySet
		return m, nil
	}
	pattern := c.Pattern
	if pattern == "" {
		pattern = "(?s).*"
	}
	m.Op, m.Key = jcs.GetMatching, &javaser.String{S: pattern}
	return m, nil
}

func heldKeys(v javaser.Value, match func(string) bool, left *budget) (keys []string, err error) {
	set, ok := javaser.Elements(v)
	if !ok {
		return nil, fmt.Errorf("%w: no set of keys", jcs.ErrProtocol)
	}
	for _, k := range set {
		key, whole, err := jcs.KeyOf(k)
		if err != nil {
			return nil, err
		}
		if whole || !match(key) {
			continue // the group itself, which JCS 1.3 keeps as a key
		}
		if !left.take(len(key) + costHeld) {
			return nil, errHeld
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys, nil
}

func (p *peer) heldElements(v javaser.Value, left *budget) (list []cache.Element, err error) {
	pairs, ok := javaser.Pairs(v)
	if !ok {
		return nil, fmt.Errorf("%w: no map of elements", jcs.ErrProtocol)
	}
	for i := 1; i < len(pairs); i += 2 {
		if pairs[i] == nil {
			continue // expired since it matched
		}
		e, err := p.element(pairs[i])
		if err != nil {
			return nil, err
		}
		if !left.take(len(e.Key) + len(e.Value.Bytes) + costHeld) {
			return nil, errHeld
		}
		list = append(list, *e)
	}
	slices.SortFunc(list, func(a, b cache.Element) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}
