// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"slices"

	"lateral/cache"
	"lateral/web"
)

type keysCmd struct {
	Region  string `arg:"" help:"Region."`
	Pattern string `placeholder:"RE" help:"Regular expression that the whole key must match."`
	Group   string `placeholder:"GROUP" help:"Only keys of this group, without its name."`
	one
}

func (*keysCmd) Help() string {
	return `One key to a line, sorted; a key of a group as group/key. The keys are those
that this service holds.

Examples:

  lateral keys User
  lateral keys User --pattern '424242:.*'
  lateral keys ConfigJump --group hosts`
}

func (c *keysCmd) Run(ctx context.Context, s *streams) error {
	rep, err := c.do(ctx, cache.Command{Op: cache.Keys, Region: c.Region, Pattern: c.Pattern})
	if err != nil {
		return err
	}
	shown := []web.Key{}
	var lines []string
	for _, k := range rep.Keys {
		group, name, grouped := cache.SplitGroup(k)
		switch {
		case c.Group == "":
			lines = append(lines, cache.KeyText(k))
		case grouped && group == c.Group:
			lines = append(lines, name)
		default:
			continue
		}
		shown = append(shown, web.KeyOf(k))
	}
	if c.JSON {
		return s.out.json(web.Keys{Region: c.Region, Keys: shown})
	}
	slices.Sort(lines)
	w := bufio.NewWriter(s.out)
	for _, l := range lines {
		w.WriteString(l + "\n")
	}
	return w.Flush()
}
