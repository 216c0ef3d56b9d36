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
	Group   string `placeholder:"GROUP" help:"Only keys of this group, without its name." xor:"what"`
	Java    bool   `help:"Ask every Java node, too, and show who holds what." xor:"what"`
	Values  bool   `help:"With --java: the values, too."`
	one
}

func (*keysCmd) Help() string {
	return `One key to a line, sorted; a key of a group as group/key. The keys are those
that this service holds, in memory or on disk. A pattern that begins with a text
reads only those on disk that begin so; any other reads all of its disk.

With --java every Java node that shares the region is asked as well, which
nothing else does: one key to a line, with who holds it. What they answer is not
kept; with --values it counts as an access there. A node that could not be asked
is named, and then the exit status is 2; JCS 1.3 has no question for its keys.

Examples:

  lateral keys User
  lateral keys User --pattern '424242:.*'
  lateral keys ConfigJump --group hosts
  lateral keys User --java
  lateral keys User --pattern 'user:.*' --java --values --json`
}

func (c *keysCmd) Run(ctx context.Context, s *streams) error {
	if c.Java {
		return c.everywhere(ctx, s)
	}
	if c.Values {
		return &problem{saw: "--values without --java", do: "lateral get REGION KEY prints the value of one key; of Java nodes: lateral keys REGION --java --values"}
	}
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
