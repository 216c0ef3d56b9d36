// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	resolveEvery = 30 * time.Second // at most, between two rounds; a fifth less at least
	resolveGap   = time.Second      // at least, between two rounds
	resolveWait  = 10 * time.Second
	resolveBlur  = time.Second / 2 // at most, between a failed dial and the round that it asks for
)

// resolve asks DNS for every configured name, again and again. A cluster that
// was started at once, or that lost a member whom all dialled, does not ask
// at once: the pauses are each node's own.
func (d *Discoverer) resolve(ctx context.Context) {
	for {
		for _, name := range d.cfg.DNS {
			d.resolveOne(ctx, name)
		}
		d.mu.Lock()
		chance := d.rand.Float64()
		d.mu.Unlock()
		pause(ctx, resolveGap)
		select {
		case <-ctx.Done():
			return
		case <-d.again:
			pause(ctx, time.Duration(chance*float64(resolveBlur)))
		case <-time.After(time.Duration((1-chance/5)*float64(resolveEvery)) - resolveGap):
		}
	}
}

// resolveOne replaces the answers to one name. If there is no answer, rather
// than the answer that there is none, the last one stands.
func (d *Discoverer) resolveOne(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, resolveWait)
	defer cancel()
	addrs, err := d.lookup(ctx, name)
	var dns *net.DNSError
	switch {
	case err == nil:
	case errors.As(err, &dns) && dns.IsNotFound:
		d.complain("DNS knows no such name", "name", name)
	case errors.Is(ctx.Err(), context.Canceled):
		return
	default:
		d.complain("DNS did not answer; the last answer stands", "name", name, "err", err)
		return
	}
	slices.Sort(addrs)
	d.do(func(time.Time) bool { return d.table.answered(name, slices.Compact(addrs)) })
}

func (d *Discoverer) lookup(ctx context.Context, name string) (addrs []string, err error) {
	if isSRV(name) {
		_, list, err := d.cfg.Resolver.LookupSRV(ctx, "", "", name)
		for _, s := range list {
			// The target is resolved when it is dialled.
			a := net.JoinHostPort(strings.TrimSuffix(s.Target, "."), strconv.Itoa(int(s.Port)))
			if validAddr(a) {
				addrs = append(addrs, a)
			}
		}
		return addrs, err
	}
	host, port, err := net.SplitHostPort(name)
	if err != nil {
		return nil, err
	}
	list, err := d.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	for _, ip := range list {
		if a := net.JoinHostPort(ip.Unmap().String(), port); validAddr(a) {
			addrs = append(addrs, a)
		}
	}
	return addrs, err
}

// isSRV reports whether a name is of the kind that has SRV records (RFC 2782).
func isSRV(name string) bool { return strings.HasPrefix(name, "_") }
