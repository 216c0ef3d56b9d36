// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
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
	f := Finding{Severity: Warning}
	const javas = "Lateral announces the address its packets leave from, but JCS and much other software announces what the host's own name leads to"
	switch {
	case err != nil:
		f.Saw = err.Error()
		f.Why, f.Do = javas, "see that /etc/hosts can be read"
	case len(id.Addrs) == 0:
		f.Saw = fmt.Sprintf("the hostname %s leads nowhere: %s", id.Hostname, id.Error)
		f.Why, f.Do = javas, s.hostsRemedy(id)
	case id.Loopback():
		f.Saw = fmt.Sprintf("the hostname %s leads to %s only%s", id.Hostname, addresses(id.Addrs), lines(id))
		f.Why, f.Do = javas+": other hosts would dial themselves", s.hostsRemedy(id)
	case s.foreign(id):
		f.Saw = fmt.Sprintf("the hostname %s leads to %s, which this machine does not have", id.Hostname, addresses(id.Addrs))
		f.Why, f.Do = javas, s.hostsRemedy(id)
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

// hostsRemedy names the line of /etc/hosts to write, and the one to replace.
func (s *scene) hostsRemedy(id host.Identity) string {
	addr := "ADDRESS"
	if i, ok := s.find(s.main()); ok && len(i.Addrs) > 0 {
		if addr = i.Addrs[0].Addr().String(); i.Addr4().IsValid() {
			addr = i.Addr4().String()
		}
	}
	for _, l := range id.Hosts {
		if l.Addr.IsLoopback() {
			return fmt.Sprintf("replace line %d of %s (%s %s) by:\n    %s %s", l.Line, l.File, l.Addr, strings.Join(l.Names, " "), addr, strings.Join(l.Names, " "))
		}
	}
	return fmt.Sprintf("add to %s:\n    %s %s", host.HostsFile, addr, id.Hostname)
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

// enoughFiles is what a mesh of 300 links needs with clients beside it.
const enoughFiles = 1024

// files checks how many sockets a service may open. The Go runtime raises the
// soft limit to the hard one, so the hard one counts.
func (s *scene) files(context.Context) []Finding {
	_, hard, err := s.machine.files()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return []Finding{{Severity: Warning, Saw: err.Error(), Why: "so it is not known how many links are possible", Do: "look with: ulimit -Hn"}}
	case hard < enoughFiles:
		return []Finding{{Severity: Warning, Saw: fmt.Sprintf("a process may open no more than %d files", hard),
			Why: fmt.Sprintf("every link and every client is one; below %d a large cluster or a busy front runs out", enoughFiles),
			Do:  "raise it: LimitNOFILE=65536 in the systemd unit, or ulimit -Hn 65536"}}
	}
	return []Finding{{Saw: fmt.Sprintf("a process may open %d files", hard)}}
}
