// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

// names is a Resolver in memory.
type names struct {
	mu    sync.Mutex
	asked int
	when  []time.Time // it was asked
	hosts map[string][]netip.Addr
	srv   map[string][]*net.SRV
	err   error
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	n.when = append(n.when, time.Now())
	if n.err != nil {
		return nil, n.err
	}
	if list, ok := n.hosts[host]; ok {
		return list, nil
	}
	return nil, &net.DNSError{Name: host, IsNotFound: true}
}

func (n *names) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return name, n.srv[name], n.err
}

func (n *names) set(err error, hosts ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err, n.hosts = err, map[string][]netip.Addr{"cache.example": hosts}
	if hosts == nil {
		n.hosts = nil
	}
}

func TestDNS(t *testing.T) {
	inBubble(t, func(b *bubble) {
		n := &names{srv: map[string][]*net.SRV{"_cache._tcp.example": {{Target: "gw1.example.", Port: 8}}}}
		n.set(nil, host(2), host(1), netip.MustParseAddr("::ffff:10.0.0.2"))
		l := b.start(1, anna, func(c *Config) { c.Resolver, c.DNS = n, []string{"cache.example:7", "_cache._tcp.example"} })
		passes(0)
		l.knows("0@10.0.0.1:7 0@10.0.0.2:7 0@gw1.example:8")
		l.Bind("10.0.0.1:7", anna)
		n.set(nil, host(1), host(3))
		passes(resolveEvery)
		l.knows("0@10.0.0.3:7 0@gw1.example:8")
		n.set(errors.New("timed out"))
		passes(resolveEvery)
		l.knows("0@10.0.0.3:7 0@gw1.example:8") // the last answer stands
		n.set(nil, host(4))
		for range 100 { // dials that fail
			l.Refresh()
			passes(10 * time.Millisecond)
		}
		passes(resolveGap)
		l.knows("0@10.0.0.4:7 0@gw1.example:8")
		n.mu.Lock()
		if n.asked > 6 {
			t.Errorf("asked %d times in a minute", n.asked)
		}
		n.mu.Unlock()
		n.set(nil)
		passes(resolveEvery)
		l.knows("0@gw1.example:8")
		end(l)
	})
}

// TestDNSSpread: nodes that were started at once ask DNS at times of their own,
// at least every 30 s and at most every 24; so they do after a dial that
// failed for all of them.
func TestDNSSpread(t *testing.T) {
	inBubble(t, func(b *bubble) {
		all := make([]*names, 8)
		var nodes []*lad
		for i := range all {
			n := &names{}
			n.set(nil, host(200))
			all[i] = n
			nodes = append(nodes, b.start(i+1, cache.NodeID(100+i), func(c *Config) { c.Resolver, c.DNS = n, []string{"cache.example:7"} }))
		}
		passes(10 * resolveEvery)
		third, after := map[time.Time]int{}, map[time.Time]int{}
		for i, n := range all {
			n.mu.Lock()
			for k := range n.when[1:] {
				if d := n.when[k+1].Sub(n.when[k]); d > resolveEvery || d < resolveEvery*4/5 {
					t.Errorf("node %d asked again after %v", i, d)
				}
			}
			third[n.when[2]]++
			n.when = nil
			n.mu.Unlock()
		}
		passes(resolveGap)
		for _, l := range nodes {
			l.Refresh()
		}
		passes(resolveGap + resolveBlur)
		for i, n := range all {
			n.mu.Lock()
			if len(n.when) == 0 {
				t.Errorf("node %d did not ask after a failed dial", i)
			} else {
				after[n.when[len(n.when)-1]]++
			}
			n.mu.Unlock()
		}
		if len(third) < len(all) || len(after) < len(all) {
			t.Errorf("of %d nodes there were %d and %d different times", len(all), len(third), len(after))
		}
		end(nodes...)
	})
}
