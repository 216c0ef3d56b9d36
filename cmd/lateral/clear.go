// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"lateral/cache"
)

type clearCmd struct {
	Region string  `arg:"" help:"Region."`
	Tag    *string `placeholder:"TAG" help:"Only the elements that have this tag (lateral put --tag)."`
	Local  bool    `help:"Clear it in this service only."`
	one
}

func (*clearCmd) Help() string {
	return `Removes every element of the region, or every one that has a tag, here and at
the peers.

Examples:

  lateral clear OXFolderCache --service groupware
  lateral clear User --service admindaemon --local
  lateral clear Pages --tag author:3`
}

func (c *clearCmd) Run(ctx context.Context, s *streams) error {
	cmd := cache.Command{Op: cache.RemoveAll, Region: c.Region, Origin: origin(c.Local)}
	if c.Tag != nil {
		if err := cache.CheckTag(*c.Tag); err != nil { // an empty one must not be taken for none
			return &problem{saw: "--tag: " + err.Error(), do: "name the tag", err: err}
		}
		cmd.Op, cmd.Key = cache.RemoveTag, *c.Tag
	}
	return c.remove(ctx, s, cmd)
}
