// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"lateral/cache"
)

type forgetCmd struct {
	Member  string `arg:"" optional:"" help:"HOST/SERVICE, HOST/SERVICE.ENDPOINT or the id of one incarnation."`
	Service string `placeholder:"NAME" help:"Ask this service only; default all of this host."`
	JSON    bool   `name:"json" help:"Print JSON."`
	place
}

func (*forgetCmd) Help() string {
	return `A service that was killed, on a machine that never comes back, goes on counting:
it might be cut off and alive. Removals are remembered for its sake, and strict
regions are not served. Without MEMBER this lists who is silent. With it you
vouch that its process has ended; all members hear of that.

It is not needed for a service that stops, or is started again on the same host
and port. One that lives all the same is refused by all until it is started
anew. Exit status: 0 done, or none is silent; 1 some are; 2 it could not be done.

Examples:

  lateral forget
  lateral forget app3/groupware
  lateral forget 3aecd3ef91dad6d3 --json`
}

// A silence is a silent member as a service of this host sees it.
type silence struct {
	Service string `json:"service"`
	cache.SilentMember
}

func (c *forgetCmd) Run(ctx context.Context, s *streams) error {
	list, err := c.ask(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		err = s.out.json(list)
	} else {
		c.show(s.out, list)
	}
	if err == nil && c.Member == "" && len(list) > 0 {
		return no
	}
	return err
}

// ask asks every service. One that knows nobody of that name is no error if
// another does.
func (c *forgetCmd) ask(ctx context.Context) ([]silence, error) {
	cs, err := c.services(c.Service)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	list := []silence{}
	var unknown error
	for _, client := range cs {
		defer client.Close()
		var found []cache.SilentMember
		if c.Member == "" {
			found, err = client.Silent(ctx)
		} else {
			found, err = client.Forget(ctx, c.Member)
		}
		if errors.Is(err, cache.ErrNoMember) {
			unknown, err = err, nil
		}
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			list = append(list, silence{client.Service, f})
		}
	}
	if len(list) == 0 && unknown != nil {
		return nil, unknown
	}
	return list, nil
}

func (c *forgetCmd) show(out *screen, list []silence) {
	if len(list) == 0 {
		out.printf("nobody is silent\n")
		return
	}
	t := &table{head: []string{"service", "endpoint", "member", "id", "what waits for it"}}
	if c.Member != "" {
		t.head[4] = "forgotten"
	}
	for _, x := range list {
		text := "removals are remembered"
		switch {
		case c.Member != "":
			text = fmt.Sprintf("%d elements dropped", x.Dropped)
		case x.Strict:
			text += ", strict regions are not served"
		}
		t.add(x.Service, x.Endpoint, orDash(x.Name), x.ID, text)
	}
	out.table("", t)
	if c.Member == "" {
		out.printf("once its machine is gone for good: lateral forget MEMBER\n")
	}
}
