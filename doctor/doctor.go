// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"lateral/host"
)

// DefaultTimeout bounds each check: long enough to hear a neighbour that
// announces every second or two, short enough for someone who waits.
const DefaultTimeout = 3 * time.Second

// A Check looks at one thing and says what it found.
type Check struct {
	Name      string   // kebab-case
	DependsOn []string // names of checks before it whose findings explain those of this that are no worse
	// Run must end soon after ctx does. It runs beside the other checks.
	// The findings need no Check name.
	Run func(ctx context.Context) []Finding
}

// A Group is a discovery group that the configuration names.
type Group struct {
	Addr       netip.AddrPort // 224.0.0.1:6780
	Interfaces []string       // by name, "*" is all that can; empty: the kernel's route decides
	At         string         // where it is configured: "groupware/cache.ccf:212"
	Service    string
	Cluster    string // its name
	// Set is the command that gives an attribute of the configuration another
	// value; nil, or "", is none.
	Set     func(key, value string) string
	TTL     int  // routers that its packets may pass, plus one; 0 is 1
	Running bool // a service that runs is in it
}

// A Port is one that a service is to listen on.
type Port struct {
	Addr    netip.Addr // zero or unspecified: all addresses
	Port    uint16
	At      string // where it is configured
	Service string
	Free    string // command that has the configuration name no address; "" if there is none
}

// A Neighbour is another member that was heard.
type Neighbour struct {
	Name      string         // as people call it: "oxgw02 groupware"
	Addr      netip.AddrPort // where it wants to be dialled
	Group     string         // the group it was heard in, "224.0.0.1:6780"; may be empty
	ThisHost  bool           // it runs on this host
	HeardFrom netip.Addr     // source of its packet; zero if unknown

	// Of somebody in the group who is no member for this host:
	Cluster string // it announces another cluster, of this name
	Join    string // and this command makes this host one of that cluster; may be empty
	Refused string // it is not believed, and why
	Fix     string // what to do about that; may be empty
}

// member reports whether it is believed.
func (n Neighbour) member() bool { return n.Cluster == "" && n.Refused == "" }

// Options say what to check. The zero Options check the host alone.
type Options struct {
	Groups []Group
	Ports  []Port
	// Interfaces restricts every check to these, by name; "*" is all. Nothing
	// is ever sent on another. Empty: those that the groups name, or the
	// kernel's route to them.
	Interfaces []string
	// OwnPIDs are processes that may hold the ports: running services.
	OwnPIDs []int
	// Neighbours listens until ctx ends, or less, and returns who was heard;
	// nil leaves the check out.
	Neighbours func(ctx context.Context) ([]Neighbour, error)
	// Peers are members that the configuration names, to be resolved and dialled.
	Peers []Peer
	// Places are where services write.
	Places []Place
	// Config are findings of other rooms, such as those of the ccf files. An
	// empty Check becomes "config".
	Config []Finding
	// Checks are further ones. They come before neighbours, which may follow
	// from one called security, and depend on those built in that stand before.
	Checks []Check
	// Last are further ones that come after peers: what they find may follow
	// from what cannot be reached.
	Last []Check
	// Timeout bounds each check; 0 is DefaultTimeout.
	Timeout time.Duration
	// Identity answers who this machine is; nil asks it.
	Identity func(ctx context.Context) (host.Identity, error)
}

// Run makes all checks and returns what they found. It takes one Timeout and a
// quarter of a second at most: a check that has not ended by then is a warning, and its
// goroutine ends when the check's function returns.
func Run(ctx context.Context, o Options) Report {
	limit := o.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return runAll(ctx, builtin(o, look(ctx)))
}

// runAll runs the checks at once and puts their findings in order.
func runAll(ctx context.Context, checks []Check) Report {
	results := make([]chan []Finding, len(checks))
	for i, c := range checks {
		results[i] = make(chan []Finding, 1)
		go func() { results[i] <- c.Run(ctx) }()
	}
	var all []Finding
	for i, c := range checks {
		for _, f := range await(ctx, results[i]) {
			f.Check = c.Name
			all = append(all, f)
		}
	}
	return newReport(checks, all)
}

// grace is what a check gets after its deadline to say what it saw until then.
const grace = 250 * time.Millisecond

// await returns a check's findings, or that there are none in time.
func await(ctx context.Context, result <-chan []Finding) []Finding {
	select {
	case f := <-result:
		return f
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case f := <-result:
		return f
	case <-late.C:
		return []Finding{{
			Severity: Warning,
			Saw:      fmt.Sprintf("the check did not end in time (%v)", context.Cause(ctx)),
			Why:      "so nothing is known about it",
			Do:       "try again; if it stays so, something that it asks (resolver, service) does not answer",
		}}
	}
}

// builtin returns the checks that the options ask for.
func builtin(o Options, m machine) []Check {
	s := &scene{Options: o, machine: m, heard: &ear{done: make(chan struct{})}}
	checks := []Check{{Name: "interfaces", Run: s.interfaces}}
	if len(o.Groups) > 0 {
		checks = append(checks,
			Check{Name: "multicast-route", DependsOn: []string{"interfaces"}, Run: s.routes},
			Check{Name: "multicast-loop", DependsOn: []string{"interfaces", "multicast-route"}, Run: s.loops},
			Check{Name: "interfaces-alike", DependsOn: []string{"interfaces", "multicast-route"}, Run: s.together},
			Check{Name: "rp-filter", DependsOn: []string{"interfaces"}, Run: s.reverse},
			Check{Name: "memberships", DependsOn: []string{"interfaces", "multicast-route"}, Run: s.memberships},
			Check{Name: "snooping", DependsOn: []string{"interfaces"}, Run: s.snooping})
	}
	if len(o.Ports) > 0 {
		checks = append(checks, Check{Name: "listener-ports", Run: s.ports}, Check{Name: "packet-filter", Run: s.inbound})
	}
	if len(o.Groups) > 0 {
		checks = append(checks, Check{Name: "udp-port", Run: s.shared})
	}
	checks = append(checks, o.Checks...)
	if o.Neighbours != nil {
		checks = append(checks, Check{Name: "neighbours", DependsOn: []string{"multicast-route", "multicast-loop", "udp-port", "rp-filter", "security"}, Run: s.neighbours})
	} else {
		close(s.heard.done)
	}
	if len(o.Peers) > 0 {
		checks = append(checks, Check{Name: "peer-names", Run: s.peerNames})
	}
	if o.Neighbours != nil || len(o.Peers) > 0 {
		checks = append(checks, Check{Name: "peers", DependsOn: []string{"interfaces", "peer-names"}, Run: s.reach})
	}
	checks = append(checks, o.Last...)
	checks = append(checks, Check{Name: "hostname", DependsOn: []string{"interfaces"}, Run: s.hostname}, Check{Name: "file-limit", Run: s.files})
	if len(o.Places) > 0 {
		checks = append(checks, Check{Name: "disk-space", Run: s.disks})
	}
	if len(o.Config) > 0 {
		checks = append(checks, lent("config", o.Config)...)
	}
	return checks
}

// lent makes checks of findings that somebody else has made, one for each
// name, in the order of their first appearance.
func lent(name string, findings []Finding) []Check {
	var order []string
	by := map[string][]Finding{}
	for _, f := range findings {
		if f.Check == "" {
			f.Check = name
		}
		if by[f.Check] == nil {
			order = append(order, f.Check)
		}
		by[f.Check] = append(by[f.Check], f)
	}
	var checks []Check
	for _, n := range order {
		checks = append(checks, Check{Name: n, Run: func(context.Context) []Finding { return by[n] }})
	}
	return checks
}
