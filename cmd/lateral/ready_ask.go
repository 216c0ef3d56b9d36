// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"lateral/cache"
	"lateral/web"
)

type readyCmd struct {
	Wait    time.Duration `placeholder:"DUR" help:"Wait that long for it."`
	Service string        `placeholder:"NAME" help:"Ask this service only; default all of this host."`
	JSON    bool          `name:"json" help:"Print JSON."`
	place
}

func (*readyCmd) Help() string {
	return `The same as GET /readyz of each service, for probes and start scripts: a service
is ready once its regions hold what its peers held, and with lateral run
--ready-nodes once the mesh was complete. Exit status: 0 all are ready, 1 one is
not and why is printed, 2 none could be asked.

Examples:

  lateral ready
  lateral ready --service groupware --wait 60s
  lateral ready --json | jq '.[].reasons'`
}

// readiness is what ready prints of a service.
type readiness struct {
	Service string         `json:"service"`
	Ready   bool           `json:"ready"`
	Reasons []cache.Reason `json:"reasons,omitempty"`
	Error   string         `json:"error,omitempty"` // why it did not answer
}

func (c *readyCmd) Run(ctx context.Context, s *streams) error {
	list, err := c.look(ctx)
	for end := time.Now().Add(c.Wait); !allReady(list, err) && time.Now().Before(end) && ctx.Err() == nil; {
		if err != nil && !errors.Is(err, errNoService) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(meshPoll):
		}
		list, err = c.look(context.WithoutCancel(ctx)) // the last look is one, too
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = s.out.json(list)
	} else {
		s.out.readiness(list)
	}
	if err == nil && !allReady(list, nil) {
		return no
	}
	return err
}

// look asks each service once.
func (c *readyCmd) look(ctx context.Context) ([]readiness, error) {
	cs, err := c.services(c.Service)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out := make([]readiness, len(cs))
	var all sync.WaitGroup
	for i, one := range cs {
		all.Go(func() { out[i] = readinessOf(ctx, one) })
	}
	all.Wait()
	return out, nil
}

func readinessOf(ctx context.Context, c *web.Client) readiness {
	defer c.Close()
	r, err := c.Ready(ctx)
	if err != nil {
		return readiness{Service: c.Service, Error: err.Error()}
	}
	return readiness{Service: c.Service, Ready: r.Ready, Reasons: r.Reasons}
}

func allReady(list []readiness, err error) bool {
	for _, r := range list {
		if !r.Ready {
			return false
		}
	}
	return err == nil
}

func (s *screen) readiness(list []readiness) {
	for _, r := range list {
		switch {
		case r.Ready:
			s.printf("%s is %s\n", r.Service, s.paint(green, "ready"))
		case r.Error != "":
			s.printf("%s %s: %s\n", r.Service, s.paint(red, "does not answer"), r.Error)
		}
		for _, why := range r.Reasons {
			s.printf("%s is %s: %s\n", r.Service, s.paint(yellow, "not ready"), why)
		}
	}
}
