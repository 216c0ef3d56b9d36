// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"lateral/cache"
)

type takeCmd struct {
	Region string `arg:"" help:"Region."`
	Key    string `arg:"" help:"Key."`
	Group  string `placeholder:"GROUP" help:"Group of the key."`
	one
}

func (*takeCmd) Help() string {
	return `Adopts a session: of all who take a key at once, on whatever node, one is printed
the value and the others nothing, and it is removed everywhere. More than half of
the nodes that hold the region have to agree. Exit status: 0 it is yours, 1 it is
not there or another takes it, 2 they could not agree, and nobody has it.

Examples:

  lateral take SessionCache 4c1f
  lateral take SessionCache 4c1f --service groupware --json`
}

func (c *takeCmd) Run(ctx context.Context, s *streams) error {
	rep, err := c.do(ctx, cache.Command{Op: cache.Take, Region: c.Region, Key: keyOf(c.Key, c.Group)})
	if err != nil {
		return err
	}
	return c.show(s, &rep, false)
}
