// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"lateral/host"
)

// ports checks that every listener's port is free or already ours.
func (s *scene) ports(context.Context) []Finding {
	var all []Finding
	for _, p := range s.Ports {
		all = append(all, s.port(p))
	}
	return all
}

// port checks one. It asks who holds the port and does not try to bind it: a
// service that starts at this moment would be refused.
func (s *scene) port(p Port) Finding {
	f := Finding{About: []string{fmt.Sprintf("tcp/%d", p.Port)}}
	what := fmt.Sprintf("TCP port %d", p.Port)
	if p.Service != "" {
		what += " of " + p.Service
	}
	if a := p.Addr; a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() && s.ifsErr == nil &&
		!slices.ContainsFunc(s.ifs, func(i host.Interface) bool { return i.Has(a) }) {
		f.Severity = Failure
		f.Saw = fmt.Sprintf("%s: %s is no address of this machine%s", what, a, at(p.At))
		f.Why = "a service can't listen on it and refuses to start"
		f.Do = "correct the address, or leave it out to listen on all"
		if p.Free != "" {
			f.Run = []string{p.Free}
		}
		return f
	}
	owners, err := s.owners("tcp", p.Addr, p.Port)
	ours := func(o host.Process) bool { return slices.Contains(s.OwnPIDs, o.PID) }
	others := slices.DeleteFunc(slices.Clone(owners), ours)
	switch {
	case errors.Is(err, host.ErrFree):
		f.Saw = what + " is free"
	case err != nil && !errors.Is(err, host.ErrHidden):
		f.Severity, f.Saw = Warning, fmt.Sprintf("%s: %v", what, err)
		f.Why = "so it is not known whether it is free"
		f.Do = "look with: ss -ltnp"
	case len(others) == 0 && len(owners) > 0:
		f.Saw = fmt.Sprintf("%s is held by our own %s", what, processes(owners))
	default:
		f.Severity = Failure
		f.Why = "the service can't listen there and refuses to start"
		f.Do = "stop what holds it, or give one of the two another port" + at(p.At)
		if len(others) > 0 {
			f.Saw = fmt.Sprintf("%s is taken by %s%s", what, processes(others), at(p.At))
			f.Run = s.stop(others)
			break
		}
		f.Saw = fmt.Sprintf("%s is taken by a process of another user%s", what, at(p.At))
		f.Do += "\nas root, lateral doctor tells which process it is"
	}
	return f
}

// stop returns the commands that end processes: by their systemd unit where
// they have one, or it would start them again.
func (s *scene) stop(all []host.Process) []string { return stop(all, s.says) }

func stop(all []host.Process, says func(path string) string) (commands []string) {
	for _, p := range all {
		c := fmt.Sprintf("kill %d", p.PID)
		for line := range strings.Lines(says(fmt.Sprintf("/proc/%d/cgroup", p.PID))) {
			unit := path.Base(strings.TrimSpace(line)) // "0::/system.slice/nginx.service"
			if strings.Contains(line, "/system.slice/") && strings.HasSuffix(unit, ".service") && !strings.ContainsAny(unit, " '\"$`;&|<>") {
				c = "systemctl stop " + unit
			}
		}
		if !slices.Contains(commands, c) {
			commands = append(commands, c)
		}
	}
	return commands
}

// processes prints them: "3706/java, 3582/java".
func processes(all []host.Process) string {
	var words []string
	for _, p := range all {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

// shared checks that discovery's UDP ports can be shared, as several services
// of one host must.
func (s *scene) shared(context.Context) []Finding {
	var all []Finding
	var seen []netip.AddrPort
	for _, g := range s.Groups {
		if slices.Contains(seen, g.Addr) || !g.Addr.Addr().IsMulticast() {
			continue
		}
		seen = append(seen, g.Addr)
		all = append(all, s.shareOne(g))
	}
	return all
}

// shareOne checks one group's port.
func (s *scene) shareOne(g Group) Finding {
	port := g.Addr.Port()
	f := Finding{About: []string{g.Addr.Addr().String(), fmt.Sprintf("udp/%d", port)}}
	owners, ownErr := s.owners("udp", netip.Addr{}, port)
	who := "nobody uses it yet"
	if len(owners) > 0 {
		who = "used by " + processes(owners)
	} else if errors.Is(ownErr, host.ErrHidden) {
		who = "used by a process of another user"
	}
	err := s.share(g.Addr)
	if err == nil {
		f.Saw = fmt.Sprintf("UDP port %d can be shared, %s", port, who)
		return f
	}
	f.Severity = Failure
	f.Saw = fmt.Sprintf("UDP port %d can't be bound beside the others (%s): %v%s", port, who, err, at(g.At))
	f.Why = "every service of this host must listen on this same port to discover others; who holds it does not share it (SO_REUSEADDR)"
	f.Do = "stop who holds it, or choose another UdpDiscoveryPort on all hosts"
	f.Run = s.stop(slices.DeleteFunc(slices.Clone(owners), func(o host.Process) bool { return slices.Contains(s.OwnPIDs, o.PID) }))
	if errors.Is(ownErr, host.ErrHidden) {
		f.Do += "\nas root, lateral doctor tells which process it is"
	}
	return f
}
