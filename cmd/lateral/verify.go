// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lateral/cache"
	"lateral/web"
)

type verifyCmd struct {
	Region string `arg:"" optional:"" help:"This region only."`
	Repair bool   `help:"Bring together what differs, by a sync with every member, and verify again."`
	one
}

func (*verifyCmd) Help() string {
	return `Compares what all members hold of each region whose values travel. Writers go on
meanwhile: equal means that nothing is missing anywhere of what was written before
the command. What differs is shown key by key, with who holds what. A member that
cannot be asked is named, and then the answer is never "equal". Exit status: 0
all are equal, 1 something differs, 2 it cannot be told.

On an observer (ListenOnly) it names the keys to which Java nodes gave different
values at the same time, so that each probably holds another; who only listens
can prove that something differs, but not that nothing does.

Examples:

  lateral verify
  lateral verify SessionCache --repair
  lateral verify --service groupware --json | jq '.regions[].differences'
  lateral verify --service observer --json | jq '.regions[].disputes[] | select(.kind == "crossed")'`
}

// askedLong bounds a question that asks all members.
const askedLong = time.Minute

func (c *verifyCmd) Run(ctx context.Context, s *streams) error {
	clients, err := c.whom(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askedLong)
	defer cancel()
	all := cache.Verification{Regions: []cache.RegionVerdict{}}
	for _, client := range clients {
		v, err := client.Verify(ctx, c.Region, c.Repair)
		client.Close()
		if err != nil {
			return err
		}
		all.Regions = append(all.Regions, v.Regions...)
	}
	all.Sum()
	if c.JSON {
		err = s.out.json(all)
	} else {
		s.out.verification(&all)
	}
	if err != nil {
		return err
	}
	switch all.Verdict {
	case cache.Equal:
		return nil
	case cache.Different:
		return no
	}
	return verdict(2)
}

// whom returns the services to ask: the one that has the region, or all.
func (c *verifyCmd) whom(ctx context.Context) ([]*web.Client, error) {
	if c.Region == "" {
		return c.services(c.Service)
	}
	client, err := c.pick(ctx, c.Region)
	if err != nil {
		return nil, err
	}
	return []*web.Client{client}, nil
}

func (s *screen) verification(v *cache.Verification) {
	if len(v.Regions) == 0 {
		s.printf("there is no region whose values travel: nothing to compare\n")
	}
	for i := range v.Regions {
		s.regionVerdict(&v.Regions[i])
	}
}

func (s *screen) regionVerdict(r *cache.RegionVerdict) {
	if r.Observed {
		s.disputes(r)
		return
	}
	asked := 0
	for _, m := range r.Members {
		if m.Why == "" {
			asked++
		}
	}
	name := "region " + r.Region
	switch r.Verdict {
	case cache.Equal:
		word := "equal"
		if r.Repaired {
			word = "equal, after a repair,"
		}
		s.printf("%s: %s\n", name, s.paint(green, fmt.Sprintf("%d of %d %s at %s", asked, len(r.Members), word, r.At.Format(time.RFC3339Nano))))
	case cache.Different:
		n := fmt.Sprint(r.Total)
		if r.More {
			n = "at least " + n
		}
		s.printf("%s: %s\n", name, s.paint(red, fmt.Sprintf("different in %s elements; %d of %d members were asked, at %s", n, asked, len(r.Members), r.At.Format(time.RFC3339Nano))))
	default:
		s.printf("%s: %s\n", name, s.paint(yellow, fmt.Sprintf("cannot be told: %d of %d members were asked", asked, len(r.Members))))
	}
	for _, why := range r.Why {
		s.printf("  %s\n", why)
	}
	if len(r.Differences) == 0 {
		return
	}
	t := &table{head: []string{"key", "member", "holds", "stamp", "writer"}}
	for _, d := range r.Differences {
		key := d.String()
		for _, h := range d.Held {
			state := cell{string(h.State), plain}
			for _, l := range d.Lacked {
				if l == h.Member {
					state = cell{string(h.State) + ", lacks it", red}
				}
			}
			t.add(key, h.Member, state, h.Newest().String(), writerText(h))
			key = " "
		}
	}
	s.table("  ", t)
	if r.Total > len(r.Differences) {
		s.printf("  and %d more\n", r.Total-len(r.Differences))
	}
	s.hint("do", "lateral verify "+r.Region+" --repair brings them together; lateral why "+r.Region+" KEY tells more of one")
}

func writerText(h cache.Holding) string {
	if h.Writer != "" || h.Stamp.IsZero() {
		return h.Writer
	}
	return "node " + strings.TrimLeft(h.Stamp.Node.String(), "0")
}
