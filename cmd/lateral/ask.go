// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/web"
)

// askTimeout bounds a question to a service of this host.
const askTimeout = 5 * time.Second

// place says where the services of this host are found.
type place struct {
	RuntimeDir string `name:"runtime-dir" placeholder:"DIR" help:"Directory of the services' sockets; default $$LATERAL_RUNTIME_DIR, else /run/lateral for root, $$XDG_RUNTIME_DIR/lateral for others."`
}

func (p *place) dir() string { return web.RuntimeDir(p.RuntimeDir) }

// services returns clients of the running services, or of the one named.
func (p *place) services(name string) ([]*web.Client, error) {
	all, err := web.Discover(p.dir())
	if err != nil {
		return nil, err
	}
	if name == "" {
		if len(all) > 0 {
			return all, nil
		}
		return nil, p.nobody(web.SystemDir)
	}
	for _, c := range all {
		if c.Service == name {
			return []*web.Client{c}, nil
		}
	}
	do := "start it with lateral run --service " + name + ", or name its directory with --runtime-dir"
	if len(all) > 0 {
		do += "\nrunning: " + names(all)
	}
	return nil, &problem{saw: fmt.Sprintf("service %s does not run: there is no live socket for it in %s", name, p.dir()), do: do, err: errNoService}
}

// nobody is the problem that no service answers. Who looks where only services
// of his own would be is told of the system's, which he may not ask.
func (p *place) nobody(system string) error {
	out := &problem{saw: "no service runs: there is no live socket in " + p.dir(), err: errNoService,
		why: "a service is asked through its socket there, as the user who runs it, or root",
		do:  "start one with lateral run, or name its directory with --runtime-dir"}
	if p.RuntimeDir != "" || os.Getenv("LATERAL_RUNTIME_DIR") != "" || p.dir() == system {
		return out
	}
	if st, err := os.Stat(system); err == nil && st.IsDir() {
		out.saw = "no service of this user runs: there is no live socket in " + p.dir()
		out.why = "services of the system have theirs in " + system + ", which only root may ask, and the user that they run as"
		out.do = "ask as root (sudo lateral …), or start a service of your own with lateral run"
	}
	return out
}

var errNoService = errors.New("no such service runs")

func names(cs []*web.Client) string {
	list := make([]string, len(cs))
	for i, c := range cs {
		list[i] = c.Service
	}
	return strings.Join(list, ", ")
}

// A heard is what a service answered.
type heard struct {
	client *web.Client
	status cache.Status
	err    error
}

// ask asks services for their status, all at once.
func ask(ctx context.Context, cs []*web.Client) []heard {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out := make([]heard, len(cs))
	var wg sync.WaitGroup
	for i, c := range cs {
		wg.Go(func() {
			st, err := c.Status(ctx)
			out[i] = heard{c, st, err}
		})
	}
	wg.Wait()
	return out
}

// one picks which of the services a region is asked of.
type one struct {
	place
	Service string `placeholder:"NAME" help:"The service to ask, where a region is in several."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// pick returns the service that has the region: the one named, else the only
// one.
func (o *one) pick(ctx context.Context, region string) (*web.Client, error) {
	cs, err := o.services(o.Service)
	if err != nil {
		return nil, err
	}
	if o.Service != "" {
		return cs[0], nil // which may make the region from jcs.default
	}
	var has []*web.Client
	var regions []string
	for _, h := range ask(ctx, cs) {
		if h.err != nil {
			return nil, h.err
		}
		for _, r := range h.status.Regions {
			if r.Region == region {
				has = append(has, h.client)
			}
			if !slices.Contains(regions, r.Region) {
				regions = append(regions, r.Region)
			}
		}
	}
	switch len(has) {
	case 1:
		return has[0], nil
	case 0:
		slices.Sort(regions)
		saw := "no service has a region " + region
		if near := ccf.Nearest(region, regions); near != "" {
			saw += "; did you mean " + near + "?"
		}
		return nil, &problem{saw: saw, why: "there are: " + strings.Join(regions, ", "),
			do: "check the spelling, or name the service that shall make it from jcs.default with --service (" + names(cs) + ")"}
	}
	return nil, &problem{saw: fmt.Sprintf("region %s is in several services: %s", region, names(has)),
		why: "each holds elements of its own", do: "choose one with --service"}
}

// do carries out a command at the service that has its region.
func (o *one) do(ctx context.Context, c cache.Command) (cache.Reply, error) {
	client, err := o.pick(ctx, c.Region)
	if err != nil {
		return cache.Reply{}, err
	}
	defer client.Close()
	// A miss may be asked of peers, a large value takes its time.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return client.Do(ctx, c)
}

// keyOf is the key that the words on the command line name.
func keyOf(text, group string) string {
	if group != "" {
		return cache.GroupKey(group, text)
	}
	return cache.PlainKey(text)
}
