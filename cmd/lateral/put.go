// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"lateral/cache"
	"lateral/web"
)

type putCmd struct {
	Region   string        `arg:"" help:"Region."`
	Key      string        `arg:"" help:"Key."`
	Value    *string       `arg:"" optional:"" help:"Value; standard input if it is left out."`
	Group    string        `placeholder:"GROUP" help:"Group of the key."`
	Update   bool          `xor:"how" help:"The value has changed at its source: peers drop what they hold of it."`
	IfAbsent bool          `xor:"how" help:"Only if nothing is there. Exit status 1 if something was."`
	Local    bool          `help:"Tell no peer."`
	As       string        `placeholder:"TYPE" enum:",string,int,long,short,byte,double,float,boolean,char,date,instant,duration,bytes,list,set,map" default:"" help:"What the value is in Java, if not a String: int, long, short, byte, double, float, boolean, char, date or instant (RFC 3339), duration, bytes; list, set or map (JSON)."`
	Acks     string        `placeholder:"K" help:"How many peers must hold it before the command returns: 0, a number, all, or linked; in place of the region's."`
	MaxLife  time.Duration `placeholder:"DUR" help:"Lifetime, in place of the region's."`
	MaxIdle  time.Duration `placeholder:"DUR" help:"Time without access after which it expires, in place of the region's."`
	Tag      []string      `placeholder:"TAG" sep:"none" help:"Tag of the value, by which lateral clear --tag removes it; may be repeated."`
	one
}

func (*putCmd) Help() string {
	return `What peers hear of it is a matter of the region: in one that replicates they
get the value; in one that invalidates a put of a new value is nobody else's
business, and --update makes them drop the old one.

Examples:

  lateral put User 424242:3 anna
  lateral put User 424242:3 anna --update
  lateral put SessionCache 4c1f --max-life 1h < session.bin
  lateral put Pages /news/7 '<p>' --tag news --tag author:3
  lateral put SessionCache 4c1f anna --acks 1
  lateral put Counters logins 42 --as int
  lateral put User 424242:roles '["admin", "mail"]' --as set`
}

func (c *putCmd) Run(ctx context.Context, s *streams) error {
	cmd := cache.Command{Op: cache.Put, Region: c.Region, Key: keyOf(c.Key, c.Group), Origin: origin(c.Local)}
	switch {
	case c.Update:
		cmd.Op = cache.Update
	case c.IfAbsent:
		cmd.Op = cache.PutIfAbsent
	}
	tags, err := cache.JoinTags(c.Tag...)
	if err != nil {
		return &problem{saw: "--tag: " + err.Error(), do: "use at most 16 tags of 1 to 255 bytes", err: err}
	}
	if c.MaxLife > 0 || c.MaxIdle > 0 || tags != "" {
		cmd.Attr = &cache.Attributes{MaxLife: c.MaxLife, MaxIdle: c.MaxIdle, Tags: tags} // 0: the region's own
	}
	if cmd.Acks, err = acks(c.Acks); err != nil {
		return err
	}
	if cmd.Value.Bytes, err = c.value(s.in); err != nil {
		return err
	}
	if c.As != "" {
		if cmd.Value, err = javaValue(c.As, cmd.Value.Bytes); err != nil {
			return err
		}
	}
	rep, err := c.do(ctx, cmd)
	if err != nil {
		return err
	}
	if c.JSON {
		err = s.out.json(web.DoneOf(cmd.Op, &rep))
	}
	if err == nil && c.IfAbsent && rep.Found {
		return no
	}
	return err
}

func acks(text string) (cache.Acks, error) {
	if text == "" {
		return cache.RegionAcks, nil
	}
	return cache.ParseAcks(text)
}

func (c *putCmd) value(in io.Reader) (string, error) {
	if c.Value != nil {
		return *c.Value, nil
	}
	b, err := io.ReadAll(io.LimitReader(in, cache.MaxValue+1))
	if err != nil {
		return "", fmt.Errorf("the value on standard input: %w", err)
	}
	if len(b) > cache.MaxValue {
		return "", &problem{saw: fmt.Sprintf("the value on standard input has more than %d bytes", cache.MaxValue),
			why: "one frame must hold it", do: "split it", err: cache.ErrTooLarge}
	}
	return string(b), nil
}
