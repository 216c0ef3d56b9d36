// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"lateral/host"
)

// hostname checks where this machine's own name leads.
func (s *scene) hostname(ctx context.Context) []Finding {
	ask := s.identity
	if s.Identity != nil {
		ask = s.Identity
	}
	id, err := ask(ctx)
	f := Finding{Severity: Warning, About: []string{id.Hostname}}
	const javas = "Lateral announces the address its packets leave from, but JCS and much other software announces what the host's own name leads to"
	switch {
	case err != nil:
		f.Saw = err.Error()
		f.Why, f.Do = javas, "see that /etc/hosts can be read"
	case len(id.Addrs) == 0:
		f.Saw = fmt.Sprintf("the hostname %s leads nowhere: %s", id.Hostname, id.Error)
		f.Why = javas
		s.hostsRemedy(&f, id)
	case id.Loopback():
		f.Saw = fmt.Sprintf("the hostname %s leads to %s only%s", id.Hostname, addresses(id.Addrs), lines(id))
		f.Why = javas + ": other hosts would dial themselves"
		s.hostsRemedy(&f, id)
	case s.foreign(id):
		f.Saw = fmt.Sprintf("the hostname %s leads to %s, which this machine does not have", id.Hostname, addresses(id.Addrs))
		f.Why = javas
		for _, name := range s.candidates() { // whose it may have been
			if i, ok := s.find(name); ok && !s.addressed(i) {
				f.About = append(f.About, name)
			}
		}
		s.hostsRemedy(&f, id)
	default:
		f.Severity = Ok
		f.Saw = fmt.Sprintf("%s leads to %s", id.Hostname, addresses(id.Addrs))
	}
	return []Finding{f}
}

// foreign reports whether none of the name's addresses is on an interface.
func (s *scene) foreign(id host.Identity) bool {
	return s.ifsErr == nil && !slices.ContainsFunc(s.ifs, func(i host.Interface) bool {
		return !i.Loopback && slices.ContainsFunc(id.Addrs, i.Has)
	})
}

// hostsFile is where the system keeps fixed names.
const hostsFile = host.HostsFile

// hostsRemedy names the line of /etc/hosts to write, and the one to replace.
// Its commands write into the file: in containers it is a mount, in whose place
// no other file can be put.
func (s *scene) hostsRemedy(f *Finding, id host.Identity) {
	addr := "ADDRESS"
	if i, ok := s.find(s.main()); ok && len(i.Addrs) > 0 {
		if addr = i.Addrs[0].Addr().String(); i.Addr4().IsValid() {
			addr = i.Addr4().String()
		}
	}
	safe := addr != "ADDRESS" && plainName(id.Hostname)
	for _, l := range id.Hosts {
		if i, _ := s.find(s.main()); !l.Addr.IsLoopback() && i.Has(l.Addr) {
			continue
		}
		names := strings.Join(l.Names, " ")
		f.Do = fmt.Sprintf("replace line %d of %s (%s %s) by:\n    %s %s", l.Line, l.File, l.Addr, names, addr, names)
		if safe && !slices.ContainsFunc(l.Names, func(n string) bool { return !plainName(n) || n == "localhost" }) {
			f.Run = []string{fmt.Sprintf(`text=$(sed '%ds/.*/%s %s/' %s) && printf '%%s\n' "$text" >%s`, l.Line, addr, names, l.File, l.File)}
		}
		return
	}
	f.Do = fmt.Sprintf("add to %s:\n    %s %s", hostsFile, addr, id.Hostname)
	if safe {
		f.Run = []string{fmt.Sprintf("echo '%s %s' >>%s", addr, id.Hostname, hostsFile)}
	}
}

// plainName reports whether a name can stand in a command as it is.
func plainName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}

// lines prints which lines of /etc/hosts name the host.
func lines(id host.Identity) string {
	var all []string
	for _, l := range id.Hosts {
		all = append(all, fmt.Sprintf("%s:%d", l.File, l.Line))
	}
	return at(strings.Join(all, ", "))
}

// addresses prints them in a row.
func addresses(all []netip.Addr) string {
	var words []string
	for _, a := range all {
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}
