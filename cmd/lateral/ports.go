// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"slices"

	"lateral/ccf"
)

type portsCmd struct {
	hostFiles
	JSON bool `name:"json" help:"Print JSON."`
}

func (*portsCmd) Help() string {
	return `Lists what each service listens on. Between the hosts of a cluster a firewall
must let pass: TCP to each listener, from any port; UDP to each group, its port.

Examples:

  lateral ports /opt/open-xchange/etc
  lateral ports groupware/cache.ccf groupware/sessioncache.ccf --json`
}

// A portUse is a port that a service listens on.
type portUse struct {
	Service  string `json:"service"`
	Endpoint string `json:"endpoint"`
	Protocol string `json:"protocol"` // tcp, udp
	Address  string `json:"address"`  // of the listener, "*" is all; of a group, the group
	Port     int    `json:"port"`
	Use      string `json:"use"`
	At       string `json:"at"` // where it is configured
}

func (c *portsCmd) Run(s *streams) error {
	list, err := c.sets()
	if err != nil {
		return err
	}
	uses, errs := []portUse{}, ccf.Errors(nil)
	for _, set := range list {
		cfg, err := ccf.Load(set.files...)
		if e := (ccf.Errors)(nil); errors.As(err, &e) {
			errs = append(errs, e...)
		}
		for _, a := range cfg.Auxiliaries {
			if a.Lateral != nil {
				uses = append(uses, portsOf(set.name, a)...)
			}
		}
	}
	if len(errs) > 0 {
		return errs // the ports of a file with errors may be others than meant
	}
	if c.JSON {
		return s.out.json(uses)
	}
	t := &table{head: []string{"service", "endpoint", "protocol", "address", "port", "use", "at"}, right: map[int]bool{4: true}}
	for _, u := range uses {
		t.add(u.Service, u.Endpoint, u.Protocol, u.Address, u.Port, u.Use, u.At)
	}
	s.out.table("", t)
	return nil
}

func portsOf(service string, a ccf.Auxiliary) (out []portUse) {
	l := a.Lateral
	if l.Receive {
		out = append(out, portUse{service, a.Name, "tcp", cmp.Or(l.TcpListenerHost, "*"), l.TcpListenerPort, "links from peers", placeOf(a, "TcpListenerPort").String()})
	}
	if l.UdpDiscoveryEnabled {
		out = append(out, portUse{service, a.Name, "udp", l.UdpDiscoveryAddr.String(), l.UdpDiscoveryPort, "discovery by multicast", placeOf(a, "UdpDiscoveryPort").String()})
	}
	return slices.Clip(out)
}

// placeOf is where a key of an auxiliary is written, or the auxiliary itself.
func placeOf(a ccf.Auxiliary, key string) ccf.Pos {
	if p, ok := a.Lateral.Where[key]; ok {
		return p
	}
	return a.Where
}
