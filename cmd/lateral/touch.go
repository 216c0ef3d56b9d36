// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"lateral/cache"
	"lateral/web"
)

type touchCmd struct {
	Region string `arg:"" help:"Region."`
	Key    string `arg:"" help:"Key."`
	Group  string `placeholder:"GROUP" help:"Group of the key."`
	Local  bool   `help:"Look in this service only, do not ask peers."`
	one
}

func (*touchCmd) Help() string {
	return `Counts as an access: where the region has a longest idle time (IdleTime), it
begins anew, and peers hear of it within an eighth of that. Exit status: 0 it is
there, 1 it is not, 2 it could not be asked.

Examples:

  lateral touch SessionCache 4c1f
  lateral touch SessionCache 4c1f --service groupware --json`
}

func (c *touchCmd) Run(ctx context.Context, s *streams) error {
	rep, err := c.do(ctx, cache.Command{Op: cache.Touch, Region: c.Region, Key: keyOf(c.Key, c.Group), Origin: origin(c.Local)})
	if err != nil {
		return err
	}
	if !rep.Found {
		return no
	}
	if c.JSON {
		return s.out.json(web.DoneOf(cache.Touch, &rep))
	}
	return nil
}
