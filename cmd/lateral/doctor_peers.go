// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
	"lateral/host"
)

// moved is the doctor's look at peers that the files name: a service dials a
// name anew each time, but a link that is up stays where it is, however often
// the name is given to another host.
func moved(running []cache.Status, services []ccf.Service, lookup host.Lookup) doctor.Check {
	return doctor.Check{Name: "peer-address-changed", Run: func(ctx context.Context) (out []doctor.Finding) {
		fine := 0
		for _, st := range running {
			for _, v := range services {
				if v.Name != st.Service {
					continue
				}
				for _, a := range v.Config.Auxiliaries {
					if a.Lateral == nil {
						continue
					}
					for _, p := range a.Lateral.TcpServers {
						f := movedOne(ctx, st, a, p, lookup)
						if f == nil {
							continue
						}
						if f.Severity == doctor.Ok {
							fine++
							continue
						}
						out = append(out, *f)
					}
				}
			}
		}
		if len(out) == 0 && fine > 0 {
			out = append(out, doctor.Finding{Saw: fmt.Sprintf("%d peers are linked where their names lead", fine)})
		}
		return out
	}}
}

// movedOne compares where a peer's name leads with where the service has its
// link; nil is that it has none, or that the peer is not named but numbered.
func movedOne(ctx context.Context, st cache.Status, a ccf.Auxiliary, peer string, lookup host.Lookup) *doctor.Finding {
	name, _, err := net.SplitHostPort(peer)
	if _, number := netip.ParseAddr(name); err != nil || number == nil {
		return nil
	}
	addrs, err := lookup(ctx, name)
	if err != nil || len(addrs) == 0 {
		return nil // peer-names says so
	}
	in := linkedAs(st, a.Name, peer)
	if !in.IsValid() {
		return nil
	}
	f := &doctor.Finding{About: []string{name}}
	if slices.Contains(addrs, in) {
		return f
	}
	var now []string
	for _, x := range addrs {
		now = append(now, x.String())
	}
	f.Severity = doctor.Warning
	f.Saw = fmt.Sprintf("the name %s leads to %s, and the link of %s with the peer of that name is with %s (%s)", name, strings.Join(now, ", "), st.Service, in, placeOf(a, "TcpServers"))
	f.Why = "a name is looked up when it is dialled, and as long as this link is up it is not: whoever listens at the new address is not dialled from here"
	f.Do = fmt.Sprintf("if the peer has moved, stop what is left of it at %s, or start %s anew; if it has not, correct the name, in DNS or in %s", in, st.Service, host.HostsFile)
	return f
}

// linkedAs returns the address of the peer that an endpoint knows by what the
// configuration calls it; zero if there is no link.
func linkedAs(st cache.Status, endpoint, peer string) netip.Addr {
	for _, e := range st.Endpoints {
		if e.Endpoint != endpoint {
			continue
		}
		for _, m := range e.Members {
			if m.ID == "" || m.Addr != peer && !slices.Contains(m.Also, peer) {
				continue
			}
			for _, l := range e.Links {
				if at, err := netip.ParseAddrPort(l.Remote); err == nil && l.PeerID == m.ID {
					return at.Addr().Unmap()
				}
			}
		}
	}
	return netip.Addr{}
}
