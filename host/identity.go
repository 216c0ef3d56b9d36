// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// An Identity is the name of this machine and where that name leads. Programs
// that announce "the address of my own hostname" announce a loopback address
// on machines whose /etc/hosts says so, which Debian's does (127.0.1.1).
type Identity struct {
	Hostname string       `json:"hostname"`
	Addrs    []netip.Addr `json:"addrs"`           // what the resolver answers; empty: nothing
	Error    string       `json:"error,omitempty"` // why it answers nothing
	Hosts    []HostsLine  `json:"hosts,omitempty"` // the lines of /etc/hosts that name it
}

// Loopback reports whether the name leads to loopback addresses and nowhere else.
func (i Identity) Loopback() bool {
	return len(i.Addrs) > 0 && !slices.ContainsFunc(i.Addrs, func(a netip.Addr) bool { return !a.IsLoopback() })
}

// A HostsLine is one line of /etc/hosts.
type HostsLine struct {
	File  string     `json:"file"`
	Line  int        `json:"line"`
	Addr  netip.Addr `json:"addr"`
	Names []string   `json:"names"`
}

// A Lookup answers a name with addresses, as net.Resolver.LookupNetIP does for
// network "ip".
type Lookup func(ctx context.Context, name string) ([]netip.Addr, error)

// SystemLookup asks the system's resolver. IPv4 addresses are such, and each
// stands once.
func SystemLookup(ctx context.Context, name string) (all []netip.Addr, err error) {
	list, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	for _, a := range list { // those of /etc/hosts come mapped into IPv6, and twice
		if a = a.Unmap(); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all, err
}

// HostsFile is where the system keeps fixed names.
const HostsFile = "/etc/hosts"

// Identify asks for this machine's name and what it leads to. A name that
// leads nowhere is an answer, not an error.
func Identify(ctx context.Context) (Identity, error) {
	name, err := os.Hostname()
	if err != nil {
		return Identity{}, fmt.Errorf("host: name: %w", err)
	}
	f, err := os.Open(HostsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return IdentityOf(ctx, name, strings.NewReader(""), SystemLookup)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("host: %w", err)
	}
	defer f.Close()
	return IdentityOf(ctx, name, f, SystemLookup)
}

// IdentityOf is Identify for a given name, text of /etc/hosts and resolver.
func IdentityOf(ctx context.Context, name string, hosts io.Reader, lookup Lookup) (Identity, error) {
	id := Identity{Hostname: name}
	lines, err := ParseHosts(hosts)
	if err != nil {
		return id, err
	}
	for _, l := range lines {
		l.File = HostsFile
		if slices.ContainsFunc(l.Names, func(n string) bool { return strings.EqualFold(n, name) }) {
			id.Hosts = append(id.Hosts, l)
		}
	}
	addrs, err := lookup(ctx, name)
	if err != nil {
		id.Error = LookupError(err)
	}
	for _, a := range addrs {
		if a = a.Unmap(); !slices.Contains(id.Addrs, a) {
			id.Addrs = append(id.Addrs, a)
		}
	}
	return id, nil
}

// LookupError says why a name leads nowhere, without the question and the way
// to the name server.
func LookupError(err error) string {
	d := (*net.DNSError)(nil)
	switch {
	case !errors.As(err, &d):
		return err.Error()
	case d.IsNotFound:
		return "there is no such name"
	case d.Server != "":
		return "the name server " + d.Server + " gives no answer"
	}
	return d.Err
}

// ParseHosts reads the text of /etc/hosts. Lines whose first word is not an
// address are left out, as the resolver does.
func ParseHosts(r io.Reader) ([]HostsLine, error) {
	var all []HostsLine
	err := eachLine(r, func(n int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			return nil
		}
		if a, err := netip.ParseAddr(f[0]); err == nil {
			all = append(all, HostsLine{Line: n, Addr: a, Names: f[1:]})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("host: %s: %w", HostsFile, err)
	}
	return all, nil
}
