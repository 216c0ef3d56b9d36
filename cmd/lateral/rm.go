// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"lateral/cache"
	"lateral/web"
)

type rmCmd struct {
	Region string `arg:"" help:"Region."`
	Key    string `arg:"" optional:"" help:"Key; one that ends in ':' removes every key that starts with it."`
	Group  string `placeholder:"GROUP" help:"Group of the key; without a key the whole group."`
	Local  bool   `help:"Remove it from this service only."`
	Acks   string `placeholder:"K" help:"How many peers must have it before the command returns: 0, a number, all, or linked; in place of the region's."`
	one
}

func (*rmCmd) Help() string {
	return `Peers are told whether or not the key was here: they may have it. Exit status 0
unless it could not be done.

Examples:

  lateral rm User 424242:3
  lateral rm User 424242:              every key of context 424242
  lateral rm ConfigJump --group hosts`
}

func (c *rmCmd) Run(ctx context.Context, s *streams) error {
	cmd := cache.Command{Op: cache.Remove, Region: c.Region, Key: keyOf(c.Key, c.Group), Origin: origin(c.Local)}
	var err error
	if cmd.Acks, err = acks(c.Acks); err != nil {
		return err
	}
	switch {
	case c.Key == "" && c.Group == "":
		return &problem{saw: "neither a key nor --group is given", why: "an empty key could be taken for everything",
			do: "lateral clear " + c.Region + " removes everything"}
	case c.Key == "":
		cmd.Op, cmd.Key = cache.RemoveGroup, c.Group
	}
	return c.remove(ctx, s, cmd)
}

// remove carries out a removal and says what went.
func (o *one) remove(ctx context.Context, s *streams, cmd cache.Command) error {
	rep, err := o.do(ctx, cmd)
	if err != nil {
		return err
	}
	if o.JSON {
		return s.out.json(web.DoneOf(cmd.Op, &rep))
	}
	n := rep.Count
	if rep.Found && n == 0 {
		n = 1
	}
	s.out.printf("removed %d here\n", n)
	return nil
}
