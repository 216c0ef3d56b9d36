// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"slices"
	"sync"

	"lateral/resp/wire"
)

// subscribers are the clients of this node by what they listen to.
type subscribers struct {
	mu       sync.RWMutex // guards both
	channels map[string]map[*client]bool
	patterns map[string]map[*client]bool
}

func (s *subscribers) init() {
	s.channels, s.patterns = map[string]map[*client]bool{}, map[string]map[*client]bool{}
}

// publish hands a message to the clients of this node and returns how many.
func (s *subscribers) publish(channel, message string) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.channels[channel] {
		c.pushes.add(func(w *wire.Writer) {
			w.Push(3)
			w.Bulk("message")
			w.Bulk(channel)
			w.Bulk(message)
		})
		n++
	}
	for pattern, clients := range s.patterns {
		if !matches(pattern, channel) {
			continue
		}
		for c := range clients {
			c.pushes.add(func(w *wire.Writer) {
				w.Push(4)
				w.Bulk("pmessage")
				w.Bulk(pattern)
				w.Bulk(channel)
				w.Bulk(message)
			})
			n++
		}
	}
	return n
}

// hears reports whether anybody listens to a channel.
func (s *subscribers) hears(c *client, channel string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.channels[channel][c]
}

func (s *subscribers) of(pattern bool) map[string]map[*client]bool {
	if pattern {
		return s.patterns
	}
	return s.channels
}

func (s *subscribers) add(c *client, pattern bool, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of(pattern)
	if m[name] == nil {
		m[name] = map[*client]bool{}
	}
	m[name][c] = true
}

func (s *subscribers) remove(c *client, pattern bool, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.of(pattern)
	if delete(m[name], c); len(m[name]) == 0 {
		delete(m, name)
	}
	if len(m) == 0 { // a map that was large stays so
		if pattern {
			s.patterns = map[string]map[*client]bool{}
		} else {
			s.channels = map[string]map[*client]bool{}
		}
	}
}

func (s *subscribers) leave(c *client) {
	for i, names := range c.heard {
		for name := range names {
			s.remove(c, i == 1, name)
		}
	}
	c.heard, c.subs, c.heardBytes = [2]map[string]bool{}, 0, 0
}

var subscribeWords = [2][2]string{{"subscribe", "unsubscribe"}, {"psubscribe", "punsubscribe"}}

func (c *client) runSubscribe(args [][]byte)    { c.subscribe(args, 0) }
func (c *client) runPSubscribe(args [][]byte)   { c.subscribe(args, 1) }
func (c *client) runUnsubscribe(args [][]byte)  { c.unsubscribe(args, 0) }
func (c *client) runPUnsubscribe(args [][]byte) { c.unsubscribe(args, 1) }

func (c *client) subscribe(args [][]byte, kind int) {
	if c.subs+len(args)-1 > maxHeard || c.heardBytes+sizeOf(args[1:]) > maxHeardBytes {
		c.over("a client may listen to %d channels and patterns with names of %d MiB together", maxHeard, maxHeardBytes>>20)
		return
	}
	if c.heard[kind] == nil {
		c.heard[kind] = map[string]bool{}
	}
	for _, a := range args[1:] {
		name := string(a)
		if !c.heard[kind][name] {
			c.heard[kind][name] = true
			c.subs++
			c.heardBytes += len(name)
			c.f.subs.add(c, kind == 1, name)
		}
		c.confirm(subscribeWords[kind][0], name, true)
	}
	c.listens.Store(true)
}

func (c *client) unsubscribe(args [][]byte, kind int) {
	var names []string
	for _, a := range args[1:] {
		names = append(names, string(a))
	}
	if len(args) == 1 {
		for name := range c.heard[kind] {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		if c.heard[kind][name] {
			delete(c.heard[kind], name)
			c.subs--
			c.heardBytes -= len(name)
			c.f.subs.remove(c, kind == 1, name)
		}
		c.confirm(subscribeWords[kind][1], name, true)
	}
	if len(names) == 0 {
		c.confirm(subscribeWords[kind][1], "", false)
	}
	c.listens.Store(c.subs > 0)
}

// confirm says what the client is subscribed to now.
func (c *client) confirm(word, name string, named bool) {
	c.out.Push(3)
	c.out.Bulk(word)
	if named {
		c.out.Bulk(name)
	} else {
		c.out.Null()
	}
	c.out.Int(int64(c.subs))
}

func (c *client) runPublish(args [][]byte) {
	if len(args[1])+len(args[2]) > maxMessage {
		c.over("a channel and its message have at most %d MiB together", maxMessage>>20)
		return
	}
	channel, message := string(args[1]), string(args[2])
	n := c.f.subs.publish(channel, message)
	if c.f.c.Mesh != nil {
		c.f.c.Mesh.Publish(channel, message)
	}
	c.out.Int(int64(n))
}

func (c *client) runPubSub(args [][]byte) {
	s := &c.f.subs
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case isWord(args[1], "channels") && len(args) <= 3:
		var names []string
		for name := range s.channels {
			if len(args) == 2 || matches(text(args[2]), name) {
				names = append(names, name)
			}
		}
		c.out.Array(len(names))
		for _, n := range names {
			c.out.Bulk(n)
		}
	case isWord(args[1], "numsub"):
		c.out.Array(2 * (len(args) - 2))
		for _, a := range args[2:] {
			c.out.Bytes(a)
			c.out.Int(int64(len(s.channels[string(a)])))
		}
	case isWord(args[1], "numpat") && len(args) == 2:
		c.out.Int(int64(len(s.patterns)))
	default:
		c.out.Error(unknownSub(args, "channels numsub numpat"))
	}
}
