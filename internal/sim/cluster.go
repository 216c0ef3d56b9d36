// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/internal/memnet"
)

// A cluster is what a plan happens to.
type cluster struct {
	p     *Plan
	net   *memnet.Net
	began time.Time
	hosts [MaxNodes + 1]host // by number, from 1
	lives []*life            // every incarnation that ever was
	log   *slog.Logger

	linked map[memnet.Link]time.Duration // since when a connection was seen
	met    map[[2]int]time.Duration      // two lives by number, the larger first: when they had had one for long enough to be linked

	mu      sync.Mutex // guards what follows, and what lives have seen
	ops     []*Op
	source  source
	broken  []string       // what is wrong, in words
	working sync.WaitGroup // nodes that end
	acting  sync.WaitGroup // applications
	trace   trace
}

// A host is a machine on which incarnations follow each other.
type host struct {
	addr netip.Addr
	slow atomic.Int64 // ns before each read
	skew atomic.Int64 // ns that its wall clock is ahead
	now  *life        // who runs there; nil: nobody
}

// A life is one incarnation of a node.
type life struct {
	number int // of all lives, from 0
	host   int
	node   *lateral.Node
	out    *outlet
	stop   context.CancelFunc
	began  time.Duration
	ended  time.Duration // 0: it lives
	how    string        // crash, exit, stop
	left   time.Duration // stop: when that was done
	gone   chan struct{} // closed then
	handed bool          // … and its sessions were handed over
	seen   map[string]*sight
}

// lost reports whether the life may have ended since a time, and with it what
// it held. A node that shuts down takes part until it has said goodbye.
func (l *life) lost(since time.Duration) bool {
	if l.how == "stop" {
		return l.left == 0 || l.left >= since
	}
	return l.ended != 0 && l.ended >= since
}

func (l *life) String() string { return fmt.Sprintf("h%d.%d", l.host, l.number) }

func newCluster(p *Plan, log *slog.Logger) *cluster {
	c := &cluster{p: p, net: memnet.New(), began: time.Now(), log: log, source: source{},
		linked: map[memnet.Link]time.Duration{}, met: map[[2]int]time.Duration{}}
	c.net.Seed(p.Seed + 1)
	for i := 1; i <= MaxNodes; i++ {
		c.hosts[i].addr = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
		c.net.Host(c.hosts[i].addr)
	}
	return c
}

// now is the time since the plan began.
func (c *cluster) now() time.Duration { return time.Since(c.began) }

// alive returns who lives, in order of hosts.
func (c *cluster) alive() (out []*life) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.hosts {
		if l := c.hosts[i].now; l != nil {
			out = append(out, l)
		}
	}
	return out
}

// at returns who lives on a host, nil if nobody does.
func (c *cluster) at(n int) *life {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hosts[n].now
}

// startSoon starts a node when the port is free: one that stops keeps it until
// it has handed over what it has.
func (c *cluster) startSoon(n int) error {
	c.mu.Lock()
	var last *life
	for _, l := range c.lives {
		if l.host == n {
			last = l
		}
	}
	busy := last != nil && last.how == "stop" && last.left == 0
	c.mu.Unlock()
	if !busy {
		return c.start(n)
	}
	c.acting.Go(func() {
		<-last.gone
		if c.at(n) != nil {
			return // another start of the same node waited, too
		}
		if err := c.start(n); err != nil {
			c.breaks("start %d: %v", n, err)
		}
	})
	return nil
}

func (c *cluster) start(n int) error {
	h := &c.hosts[n]
	if c.at(n) != nil {
		return fmt.Errorf("node %d runs already", n)
	}
	cfg, err := c.p.config(n)
	if err != nil {
		return err
	}
	l := &life{number: len(c.lives), host: n, began: c.now(), seen: map[string]*sight{}, gone: make(chan struct{}),
		out: &outlet{host: c.net.Host(h.addr).Process(), slow: &h.slow}}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.node, err = lateral.Open(ctx, lateral.Config{Service: "sim", Host: fmt.Sprint("h", n), CCF: cfg, Network: l.out,
		Now: func() time.Time { return time.Now().Add(time.Duration(h.skew.Load())) }, Logger: c.log.With("node", l)})
	if err != nil {
		stop()
		return err
	}
	c.mu.Lock()
	c.lives = append(c.lives, l)
	h.now = l
	c.mu.Unlock()
	return nil
}

// end has the node of a host leave the way that how says. It does not wait: a
// node that says goodbye takes its time.
func (c *cluster) end(n int, how string) {
	h := &c.hosts[n]
	l := c.at(n)
	if l == nil {
		return
	}
	c.mu.Lock()
	h.now, l.how, l.ended = nil, how, c.now()
	c.mu.Unlock()
	switch how {
	case "crash":
		l.out.dead.Store(true)
		l.out.host.Kill()
		l.stop()
	case "exit":
		l.out.dead.Store(true)
		l.out.host.Exit()
		l.stop()
	}
	c.working.Go(func() {
		err := l.node.Close()
		l.out.dead.Store(true)
		c.mu.Lock()
		l.left, l.handed = c.now(), how == "stop" && err == nil
		c.mu.Unlock()
		close(l.gone)
		if l.handed && c.p.has("Ses") {
			c.judgeHanded(l)
		}
	})
}

// links counts the connections between every two hosts.
func (c *cluster) links() map[[2]int]int {
	pairs := map[[2]int]int{}
	for _, l := range c.net.Established() {
		a, b := int(l.Dialler.Addr().As4()[3]), int(l.Listener.Addr().As4()[3])
		pairs[[2]int{min(a, b), max(a, b)}]++
	}
	return pairs
}

// meetTime is how long a connection lasts before its two ends count as linked.
const meetTime = time.Second

// notice notes who is linked with whom. A connection on which nobody has been
// heard, as who probes a silent address makes them, is no link.
func (c *cluster) notice() {
	now := map[memnet.Link]time.Duration{}
	for _, l := range c.net.Established() {
		if !l.Answered {
			continue
		}
		since, ok := c.linked[l]
		if !ok {
			since = c.now()
		}
		now[l] = since
		a, b := c.at(int(l.Dialler.Addr().As4()[3])), c.at(int(l.Listener.Addr().As4()[3]))
		if a == nil || b == nil || c.now()-since < meetTime {
			continue
		}
		pair := [2]int{max(a.number, b.number), min(a.number, b.number)}
		if _, ok := c.met[pair]; !ok {
			c.met[pair] = c.now()
		}
	}
	c.linked = now
}

// hadMet reports whether two lives had been linked by some time.
func (c *cluster) hadMet(a, b *life, by time.Duration) bool {
	at, ok := c.met[[2]int{max(a.number, b.number), min(a.number, b.number)}]
	return ok && at <= by
}

// ready reports whether the clients of sessions may be sent to a node: it has
// a link to each that lives, and has had the time to say hello on them. It
// need not have been given anything: a miss asks the peers.
func (c *cluster) ready(l *life) bool {
	links := c.links()
	for _, o := range c.alive() {
		if o != l && (links[[2]int{min(o.host, l.host), max(o.host, l.host)}] != 1 || c.now()-max(o.began, l.began) < 20*time.Millisecond+6*c.p.delay()) {
			return false
		}
	}
	return true
}

// compared reports whether the node has had the time to compare what it holds of a session:
// it says that it is ready, or holds nothing of it.
func (c *cluster) compared(l *life, s Step) bool {
	if l.node.Ready() == nil {
		return true
	}
	rep, err := l.node.Do(c.ctx(), cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: s.Args[1], Key: keyOf(s.Args[2])})
	return err == nil && !rep.Found
}

// close ends everything.
func (c *cluster) close() {
	c.net.HealAll()
	for _, l := range c.alive() {
		c.end(l.host, "exit")
	}
	c.working.Wait()
}

// replicated reports whether values of the region travel.
func replicated(region string) bool { return region != "Inv" && region != "Str" }

// keyOf reads a key as stories write it: "g/name" is in group g.
func keyOf(text string) string {
	if g, n, ok := strings.Cut(text, "/"); ok && n != "" {
		return cache.GroupKey(g, n)
	}
	return text
}

// covers reports whether a removal of what is a key, a prefix or a group ("g/")
// in the words of stories means a key.
func covers(what, key string) bool {
	switch {
	case what == "":
		return true
	case strings.HasSuffix(what, ":"), strings.HasSuffix(what, "/"):
		return strings.HasPrefix(key, what)
	}
	return what == key
}

func (p *Plan) has(region string) bool { return slices.Contains(p.Set.Regions, region) }
