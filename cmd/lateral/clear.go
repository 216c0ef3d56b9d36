// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"lateral/cache"
)

type clearCmd struct {
	Region string `arg:"" help:"Region."`
	Local  bool   `help:"Clear it in this service only."`
	one
}

func (*clearCmd) Help() string {
	return `Removes every element of the region, here and at the peers.

Examples:

  lateral clear OXFolderCache --service groupware
  lateral clear User --service admindaemon --local`
}

func (c *clearCmd) Run(ctx context.Context, s *streams) error {
	return c.remove(ctx, s, cache.Command{Op: cache.RemoveAll, Region: c.Region, Origin: origin(c.Local)})
}
