// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
)

type doctorCmd struct {
	Config  []string      `placeholder:"FILE" sep:"none" help:"A cache.ccf or a directory; files of one directory are one service. Default: the files of the running services."`
	Timeout time.Duration `default:"3s" help:"Longest time for the checks, which run at once."`
	JSON    bool          `name:"json" help:"Print JSON."`
	place
}

func (*doctorCmd) Help() string {
	return `Looks at what a cluster needs of a host: interfaces, the multicast route of each
configured group, whether multicast comes back on the interfaces used, other
members heard, ports and who has them, what the host's name leads to, open
files, the cluster secret and who was refused for want of it, the directories of
the disk tier, and the files themselves. Each finding has what was seen, why it matters
and what to do. Only interfaces that the configuration uses are used. Exit
status: 0 all is well, 1 warnings, 2 failures.

Examples:

  lateral doctor
  lateral doctor --config /opt/open-xchange/etc/groupware --config /opt/open-xchange/etc/admindaemon
  lateral doctor --json | jq '.findings[] | select(.severity != "ok")'`
}

func (c *doctorCmd) Run(ctx context.Context, s *streams) error {
	running := c.running(ctx)
	list, err := sets(c.Config)
	if err != nil {
		return err
	}
	if len(c.Config) == 0 {
		list = setsOf(running)
	}
	o := doctor.Options{Timeout: c.Timeout}
	services := load(list)
	for _, f := range ccf.CheckHost(services...) {
		if f.Severity != ccf.Note {
			o.Config = append(o.Config, lintFinding(f))
		}
	}
	for _, v := range services {
		for _, a := range v.Config.Auxiliaries {
			if a.Lateral != nil {
				wire(&o, v.Name, a)
			}
		}
	}
	for _, st := range running {
		o.OwnPIDs = append(o.OwnPIDs, st.PID)
	}
	if len(o.Groups) > 0 {
		o.Neighbours = neighbours(running, services)
	}
	o.Checks = append(o.Checks, security(running, services), diskTier(running, services))
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

// setsOf returns the files of running services, where their names mean
// something outside of the service's own working directory.
func setsOf(running []cache.Status) (out []set) {
	for _, st := range running {
		if !slices.ContainsFunc(st.Files, func(f string) bool { return !filepath.IsAbs(f) }) {
			out = append(out, set{st.Service, st.Files})
		}
	}
	return out
}

// lintFinding is a finding about a file in the words of the doctor.
func lintFinding(f ccf.Finding) doctor.Finding {
	d := doctor.Finding{Severity: doctor.Warning, Saw: ccf.Pos{File: f.File, Line: f.Line}.String() + ": ", Why: f.Why, Do: f.Do}
	if f.Key != "" {
		d.Saw += f.Key + ": "
	}
	d.Saw += f.Saw
	if f.Severity == ccf.Error {
		d.Severity = doctor.Failure
	}
	return d
}

// wire has the doctor look at what an auxiliary needs.
func wire(o *doctor.Options, service string, a ccf.Auxiliary) {
	l := a.Lateral
	if l.UdpDiscoveryEnabled {
		o.Groups = append(o.Groups, doctor.Group{Addr: netip.AddrPortFrom(l.UdpDiscoveryAddr, uint16(l.UdpDiscoveryPort)),
			Interfaces: l.Interface, At: placeOf(a, "UdpDiscoveryAddr").String(), Service: service})
	}
	if l.Receive {
		addr, _ := netip.ParseAddr(l.TcpListenerHost) // zero: all addresses
		o.Ports = append(o.Ports, doctor.Port{Addr: addr, Port: uint16(l.TcpListenerPort),
			At: placeOf(a, "TcpListenerPort").String(), Service: service})
	}
}
