// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"lateral/cache"
)

type whyCmd struct {
	Region string `arg:"" help:"Region."`
	Key    string `arg:"" help:"Key."`
	Group  string `placeholder:"GROUP" help:"Group of the key."`
	one
}

func (*whyCmd) Help() string {
	return `What this service and every linked peer knows of one key: the value, removal or
nothing that it holds, its stamp and who wrote it, how old it is and how long it
has left, what was refused, what disks and remote tiers have, and which rules decide. Values are not shown and no
access is noted. Exit status: 0 it was told, 2 it could not be asked.

Examples:

  lateral why SessionCache 4c1f
  lateral why User 424242:3 --service groupware --json`
}

func (c *whyCmd) Run(ctx context.Context, s *streams) error {
	client, err := c.pick(ctx, c.Region)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askedLong)
	defer cancel()
	x, err := client.Explain(ctx, c.Region, keyOf(c.Key, c.Group))
	if err != nil {
		return err
	}
	if c.JSON {
		return s.out.json(x)
	}
	s.out.explanation(&x)
	return nil
}

func (s *screen) explanation(x *cache.Explanation) {
	s.printf("%s in region %s (%s)\n", s.paint(bold, x.KeyName.String()), x.Region, x.Mode)
	t := &table{head: []string{"member", "holds", "stamp", "writer", "age", "left", "last access", "bytes"}, right: map[int]bool{7: true}}
	for _, h := range x.Held {
		if h.Err != "" {
			t.add(h.Member, cell{h.Err, yellow}, "", "", "", "", "", "")
			continue
		}
		age, left, access, bytes := "", "", "", ""
		if !h.Stamp.IsZero() {
			age = ageText(h.Clock - h.Stamp.UnixMilli())
		}
		if h.State == cache.KnownLive {
			left, bytes = leftText(&h.Known), bytesText(int64(h.Bytes))
			access = ageText(h.Clock-h.Accessed) + " ago"
		}
		state := string(h.State)
		if h.FloorAt.Compare(h.Stamp) > 0 {
			state += ", under " + h.Floor
		}
		if !h.Hidden.IsZero() {
			state += ", behind a value of its own"
		}
		t.add(h.Member, state, h.Newest().String(), writerText(h), age, left, access, bytes)
	}
	s.table("  ", t)
	for _, why := range x.Why {
		s.printf("%s\n", why)
	}
}

func leftText(k *cache.Known) string {
	switch {
	case k.Eternal:
		return "eternal"
	case k.Left == 0:
		return "unlimited"
	}
	return k.Left.Round(time.Millisecond).String()
}

func ageText(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }
