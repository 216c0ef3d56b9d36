// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
	"lateral/host"
	"lateral/web"
)

type doctorCmd struct {
	Config  []string      `placeholder:"FILE" sep:"none" help:"A cache.ccf or a directory; files of one directory are one service. Default: the files of the running services."`
	Timeout time.Duration `default:"3s" help:"Longest time for the checks, which run at once."`
	Listen  time.Duration `default:"1500ms" help:"Longest time to listen for members, where no service runs that has heard them. They announce themselves every 10 s."`
	Cluster bool          `help:"Have all members send, listen and connect at one time, by way of a running service, and print who hears and reaches whom."`
	JSON    bool          `name:"json" help:"Print JSON."`
	place
}

// dialTime is what remains for those who were heard.
const dialTime = 1500 * time.Millisecond

func (*doctorCmd) Help() string {
	return `Looks at what a cluster needs of a host: interfaces, the multicast route of each
configured group, whether multicast comes back on the interfaces used, what the
kernel and bridges do to it, other members heard and whether they can be
connected to, ports and who has them, packet filters, what the host's name and
those of peers lead to, open files, disk space, the directories of the disk
tier, the servers of remote tiers, the cluster secret and who was
refused for want of it, Java nodes of JCS (where they have others dial them,
whether they listen there, whether their regions are the same), and the files
themselves. Each finding has what was seen, why it matters and what to do: a line
"run:" is a command that mends it at once, "do:" what is left, and how to keep it.
What only follows from something else is not shown. Only interfaces that the
configuration uses are used.

With --cluster all members of the cluster send, listen and connect to each other at
one time, asked by a service of this host, and a table shows who hears and reaches
whom, in which direction, and how far their clocks are apart. It takes some seconds
and a few packets; members that cannot be asked are named.

All but a little works without root; what root would see is said where it is
missing. Exit status: 0 all is well, 1 warnings, 2 failures.

Examples:

  lateral doctor
  lateral doctor --config /opt/open-xchange/etc/groupware --config /opt/open-xchange/etc/admindaemon
  lateral doctor --cluster
  lateral doctor --json | jq -r '.findings[] | select(.severity != "ok" and .because == null) | .run[]?'`
}

func (c *doctorCmd) Run(ctx context.Context, s *streams) error {
	if c.Cluster {
		return c.survey(ctx, s)
	}
	running := c.running(ctx)
	list, err := sets(c.Config)
	if err != nil {
		return err
	}
	o := doctor.Options{Timeout: max(c.Timeout, c.Listen+dialTime)}
	if len(c.Config) == 0 {
		list, o.Config = setsOf(running)
	}
	services := load(list)
	for _, f := range ccf.CheckHost(services...) {
		if f.Severity != ccf.Note {
			o.Config = append(o.Config, lintFinding(f, services))
		}
	}
	for _, v := range services {
		for _, a := range v.Config.Auxiliaries {
			if a.Lateral != nil {
				wire(&o, v.Name, a, running)
			}
		}
	}
	for _, st := range running {
		o.OwnPIDs = append(o.OwnPIDs, st.PID)
	}
	if len(o.Groups) > 0 && wantMembers(services) {
		o.Neighbours = neighbours(running, services, c.Listen)
	}
	dir, err := filepath.Abs(c.dir())
	if err != nil {
		return err
	}
	o.Places = append(o.Places, doctor.Place{Path: dir, For: "sockets of services", Need: 1 << 20})
	o.Checks = append(o.Checks, advertised(services), security(running, services), diskTier(running, services), remoteTier(running, services))
	if len(running) == 0 && len(c.Config) == 0 {
		o.Checks = append(o.Checks, unasked(c.nobody(web.SystemDir)))
	}
	if len(running) > 0 {
		o.Checks = append(o.Checks, clocks(running), alike(running, services), moved(running, services, host.SystemLookup))
		o.Last = append(o.Last, links(running))
	}
	if len(o.Groups) > 0 {
		o.Checks = append(o.Checks, javaNodes(running, services).Checks()...)
	}
	r := doctor.Run(ctx, o)
	if c.JSON {
		err = s.out.json(r)
	} else {
		err = r.Write(s.out, s.out.colours)
	}
	if err != nil {
		return err
	}
	return verdict(r.ExitCode)
}

// survey has the members of the running services' groups look at each other.
func (c *doctorCmd) survey(ctx context.Context, s *streams) error {
	cs, err := c.services("")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askedLong)
	defer cancel()
	found := make([][]cache.Survey, len(cs))
	errs := make([]error, len(cs))
	var all sync.WaitGroup
	for i, client := range cs {
		all.Go(func() {
			defer client.Close()
			found[i], errs[i] = client.Survey(ctx)
		})
	}
	all.Wait()
	surveys := slices.Concat(found...)
	if err := errors.Join(errs...); err != nil && len(surveys) == 0 {
		return err
	}
	r := doctor.Cluster(surveys)
	if c.JSON {
		err = s.out.json(r)
	} else if err = doctor.WriteTable(s.out, r.Surveys); err == nil {
		err = r.Write(s.out, s.out.colours)
	}
	if err != nil {
		return err
	}
	return verdict(r.ExitCode)
}

// running returns what the services of this host say, those that answer.
func (c *doctorCmd) running(ctx context.Context) (out []cache.Status) {
	cs, err := c.services("")
	if err != nil {
		return nil // none runs: that is no ailment of the host
	}
	for _, h := range ask(ctx, cs) {
		h.client.Close()
		if h.err == nil {
			out = append(out, h.status)
		}
	}
	return out
}

// lintFinding is a finding about a file in the words of the doctor.
func lintFinding(f ccf.Finding, services []ccf.Service) doctor.Finding {
	d := doctor.Finding{Severity: doctor.Warning, Saw: ccf.Pos{File: f.File, Line: f.Line}.String() + ": ", Why: f.Why, Do: f.Do}
	if f.Key != "" {
		d.Saw += f.Key + ": "
	}
	d.Saw += f.Saw
	if f.Severity == ccf.Error {
		d.Severity = doctor.Failure
	}
	for _, v := range services {
		for _, r := range v.Config.Regions {
			if f.Key == "jcs.region."+r.Name && r.Where == (ccf.Pos{File: f.File, Line: f.Line}) && strings.HasPrefix(f.Saw, "IsLateral is ") {
				if c := setBelow(f.Key, r.Where, "elementattributes.IsLateral", fmt.Sprint(!r.Attr.Lateral)); c != "" {
					d.Run = []string{c}
				}
			}
		}
		for _, a := range v.Config.Auxiliaries {
			if a.Lateral == nil || !a.Lateral.UdpDiscoveryEnabled || len(a.Lateral.TcpServers) == 0 {
				continue
			}
			if p, ok := a.Lateral.Where["TcpServers"]; ok && p.File == f.File && p.Line == f.Line && f.Severity == ccf.Warning {
				if c := commentOut(a, "TcpServers"); c != "" {
					d.Run = []string{c}
				}
			}
		}
	}
	return d
}

// wire has the doctor look at what an auxiliary needs.
func wire(o *doctor.Options, service string, a ccf.Auxiliary, running []cache.Status) {
	l := a.Lateral
	runs := slices.ContainsFunc(running, func(st cache.Status) bool { return st.Service == service })
	for i, list := range [][]string{l.TcpServers, l.DnsPeers} {
		for _, p := range list {
			name, port, err := net.SplitHostPort(p)
			n, errPort := strconv.ParseUint(port, 10, 16)
			if err != nil || errPort != nil {
				continue // the name of an SRV record
			}
			o.Peers = append(o.Peers, doctor.Peer{Host: name, Port: uint16(n), At: placeOf(a, []string{"TcpServers", "DnsPeers"}[i]).String(), Service: service})
		}
	}
	if l.UdpDiscoveryEnabled {
		o.Groups = append(o.Groups, doctor.Group{Addr: netip.AddrPortFrom(l.UdpDiscoveryAddr, uint16(l.UdpDiscoveryPort)),
			Interfaces: l.Interface, At: placeOf(a, "UdpDiscoveryAddr").String(), Service: service, Cluster: l.ClusterName, TTL: l.UdpTTL, Running: runs,
			Set: func(key, value string) string { return setValue(a, key, value) }})
	}
	if l.Receive {
		addr, _ := netip.ParseAddr(l.TcpListenerHost) // zero: all addresses
		o.Ports = append(o.Ports, doctor.Port{Addr: addr, Port: uint16(l.TcpListenerPort),
			At: placeOf(a, "TcpListenerPort").String(), Service: service})
	}
}

// advertised checks the addresses that peers are told to dial.
func advertised(services []ccf.Service) doctor.Check {
	return doctor.Check{Name: "advertised", Run: func(ctx context.Context) (out []doctor.Finding) {
		ifs, err := host.Interfaces()
		if err != nil {
			return nil // the check of interfaces says so
		}
		for _, v := range services {
			for _, a := range v.Config.Auxiliaries {
				if a.Lateral != nil && a.Lateral.AdvertiseHost != "" {
					out = append(out, advertise(ctx, a, ifs))
				}
			}
		}
		return out
	}}
}

func advertise(ctx context.Context, a ccf.Auxiliary, ifs []host.Interface) doctor.Finding {
	name := a.Lateral.AdvertiseHost
	place := placeOf(a, "AdvertiseHost")
	addrs, err := host.SystemLookup(ctx, name)
	f := doctor.Finding{Severity: doctor.Warning, About: []string{name}, Saw: fmt.Sprintf("%s: peers are told to dial %s", place, name),
		Why: "they would dial nobody, or themselves, and no link comes of it",
		Do:  "correct it, or leave the line out: then peers dial the address that packets come from"}
	if c := commentOut(a, "AdvertiseHost"); c != "" {
		f.Run = []string{c}
	}
	var texts []string
	own := false
	for _, addr := range addrs {
		texts = append(texts, addr.Unmap().String())
		own = own || slices.ContainsFunc(ifs, func(i host.Interface) bool { return !i.Loopback && i.Has(addr.Unmap()) })
	}
	listens, _ := netip.ParseAddr(a.Lateral.TcpListenerHost)
	switch {
	case err != nil:
		f.Saw += ", which leads nowhere on this host"
	case own, listens.IsLoopback(): // a cluster on loopback alone
		return doctor.Finding{About: f.About, Saw: f.Saw + ", an address of this host"}
	case !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.IsLoopback() }):
		f.Saw += ", which is loopback (" + strings.Join(texts, ", ") + ")"
	default:
		return doctor.Finding{About: f.About, Saw: f.Saw + " (" + strings.Join(texts, ", ") + "), which this machine does not have: right if addresses are translated on the way"}
	}
	return f
}
