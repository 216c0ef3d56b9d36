// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lateral/cache"
	"lateral/mesh"
	"lateral/web"
)

type meshCmd struct {
	Wait    time.Duration `placeholder:"DUR" help:"Wait that long for it to be complete, showing progress."`
	Nodes   int           `placeholder:"N" help:"Complete means also: at least N processes are known."`
	Service string        `placeholder:"NAME" help:"Ask this service only."`
	JSON    bool          `name:"json" help:"Print JSON."`
	place
}

func (*meshCmd) Help() string {
	return `Asks every service of this host and lays together what they know, which is the
links of all members. Exit status: 0 every link that should be there is there
(and, with --nodes, so are the nodes), 1 something is missing, 2 no service
could be asked.

Examples:

  lateral mesh
  lateral mesh --wait 30s --nodes 4       in a start script: two hosts, two services each
  lateral mesh --json | jq '.missing'`
}

// A meshReport is what mesh prints.
type meshReport struct {
	cache.MeshStatus
	Wanted   int           `json:"nodes_wanted,omitempty"` // --nodes
	Services []serviceName `json:"services"`               // that were asked
	Groups   []meshGroup   `json:"groups"`
	Seen     []seen        `json:"seen"` // of each endpoint of this host
}

// serviceName is a service of this host that was asked.
type serviceName struct {
	Host    string `json:"host,omitempty"`
	Service string `json:"service"`
	PID     int    `json:"pid,omitempty"`
	Error   string `json:"error,omitempty"` // why it did not answer
}

// meshPoll is the pause between two looks of --wait: short, as a mesh settles
// within a second.
const meshPoll = 50 * time.Millisecond

func (c *meshCmd) Run(ctx context.Context, s *streams) error {
	r, err := c.look(ctx)
	if c.Wait > 0 {
		r, err = c.wait(ctx, s, r, err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = s.out.json(r)
	} else {
		s.out.mesh(r)
	}
	if err == nil && !r.Complete {
		return no
	}
	return err
}

// wait looks again and again until the mesh is complete or the time is over.
func (c *meshCmd) wait(ctx context.Context, s *streams, r *meshReport, err error) (*meshReport, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	p := &progress{screen: s.err}
	defer p.end()
	tick := time.NewTicker(meshPoll)
	defer tick.Stop()
	for {
		switch {
		case errors.Is(err, errNoService):
			p.say("no service runs yet")
		case err != nil:
			return r, err
		case r.Complete:
			p.say(r.summary())
			return r, nil
		default:
			p.say(r.summary())
		}
		select {
		case <-ctx.Done():
			return r, err
		case <-tick.C:
		}
		// The last look must not be cut off by the end of the time.
		r, err = c.look(context.WithoutCancel(ctx))
	}
}

// look asks the services of this host once.
func (c *meshCmd) look(ctx context.Context) (*meshReport, error) {
	return lookAll(func() ([]*web.Client, error) { return c.services(c.Service) },
		func(cs []*web.Client) *meshReport { return survey(ctx, cs, c.Nodes) })
}

// lookAll asks the services that list names. If others have started meanwhile
// all are asked again: who was not asked may know of links that are missing.
func lookAll(list func() ([]*web.Client, error), ask func([]*web.Client) *meshReport) (*meshReport, error) {
	cs, err := list()
	for err == nil {
		asked := names(cs)
		r := ask(cs)
		if !r.Complete {
			return r, nil
		}
		if cs, err = list(); err == nil && names(cs) == asked {
			for _, c := range cs {
				c.Close()
			}
			return r, nil
		}
	}
	return nil, err
}

// survey asks services and lays together what they know.
func survey(ctx context.Context, cs []*web.Client, wanted int) *meshReport {
	r, nodes := together(ask(ctx, cs), wanted)
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			r.Notes = append(r.Notes, lossNotes(&n, &e)...)
		}
	}
	return r
}

// together lays together what services answered.
func together(answers []heard, wanted int) (r *meshReport, nodes []cache.Status) {
	r = &meshReport{Wanted: wanted, Services: []serviceName{}}
	for _, h := range answers {
		h.client.Close()
		if h.err != nil {
			r.Services = append(r.Services, serviceName{Service: h.client.Service, Error: h.err.Error()})
			continue
		}
		r.Services = append(r.Services, serviceName{Host: h.status.Host, Service: h.status.Service, PID: h.status.PID})
		nodes = append(nodes, h.status)
		r.Notes = append(append(r.Notes, unserved(h.status)...), remoteNotes(h.status)...)
		for _, e := range h.status.Endpoints {
			r.Seen = append(r.Seen, seenOf(h.status, e))
		}
	}
	notes := append(r.Notes, javaLimits(nodes)...)
	r.MeshStatus = mesh.Verdict(nodes...)
	r.Notes = append(r.Notes, notes...)
	r.Groups = groups(nodes)
	if r.Nodes < wanted {
		r.Complete = false
		r.Notes = append(r.Notes, fmt.Sprintf("%d of %d nodes are known", r.Nodes, wanted))
	}
	for _, n := range nodes {
		for _, why := range n.Unready() {
			r.Notes = append(r.Notes, "service "+n.Service+" is not ready: "+why)
		}
	}
	for _, s := range r.Services {
		if s.Error != "" {
			r.Complete = false
			r.Notes = append(r.Notes, "service "+s.Service+" does not answer: "+s.Error)
		}
	}
	return r, nodes
}

// unserved says why a node serves no strict region.
func unserved(st cache.Status) (notes []string) {
	for _, e := range st.Endpoints {
		for _, l := range e.Leases {
			if l.Why != "" {
				notes = append(notes, fmt.Sprintf("%s/%s %s serves no strict region: no lease from %s: %s", st.Host, st.Service, e.Endpoint, leaseName(l), l.Why))
			}
		}
	}
	return notes
}

// summary is the report in one line.
func (r *meshReport) summary() string {
	word := "incomplete"
	if r.Complete {
		word = "complete"
	}
	return fmt.Sprintf("mesh %s: %d of %d links, %s", word, r.Present, r.Expected, r.nodesText())
}
