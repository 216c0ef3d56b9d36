// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"lateral/cache"
	"lateral/jcs"
	"lateral/web"
)

type getCmd struct {
	Region string `arg:"" help:"Region."`
	Key    string `arg:"" help:"Key."`
	Group  string `placeholder:"GROUP" help:"Group of the key."`
	Local  bool   `help:"Look in this service only, do not ask peers." xor:"whom"`
	Tree   bool   `help:"Print a value that Java wrote as a tree." xor:"how"`
	Raw    bool   `help:"Print the bytes of a value that Java wrote, instead of its text." xor:"how"`
	Token  string `placeholder:"TOKEN" help:"See that write of the key, or a newer one; put and rm print it with --json." xor:"whom"`
	one
}

func (*getCmd) Help() string {
	return `Prints the value and nothing else; with --json its lifetimes and tags, too.
Numbers, booleans, dates, lists, sets and maps of Java's are printed as lateral
put --as takes them; an object that only Java knows as its bytes, or with --tree
as a picture. Exit status: 0 found, 1 not there, 2 it could not be asked.

Examples:

  lateral get User 424242:3
  lateral get SessionCache 4c1f --service groupware --json
  lateral get ConfigJump www --group hosts
  lateral get User 424242:3 --tree
  lateral get SessionCache 4c1f --token pAYyzE5FgAABZ9rWqmuRlJw`
}

func (c *getCmd) Run(ctx context.Context, s *streams) error {
	t, err := cache.ParseToken(c.Token)
	if err != nil {
		return &problem{saw: err.Error(), do: "copy it from what put or rm print with --json", err: err}
	}
	rep, err := c.do(ctx, cache.Command{Op: cache.Get, Region: c.Region, Key: keyOf(c.Key, c.Group), Origin: origin(c.Local), Token: t})
	if err != nil {
		return err
	}
	if c.Tree && !c.JSON && rep.Found {
		_, err := fmt.Fprintln(s.out, strings.TrimSuffix(jcs.Tree(rep.Element.Value), "\n"))
		return err
	}
	return c.show(s, &rep, c.Raw)
}

// show prints the value that a reply has: as a text if it has one, unless raw
// bytes are wanted.
func (o *one) show(s *streams, rep *cache.Reply, raw bool) error {
	if !rep.Found {
		if s.out.terminal && !o.JSON { // who types this sees no exit status
			s.err.printf("%s\n", s.err.paint(faint, "not there"))
		}
		return no
	}
	if o.JSON {
		e := web.ElementOf(rep.Element)
		if rep.Element.Value.Form == cache.FormJava {
			r := readJava(rep.Element.Value)
			e.Type, e.Text = r.Type, r.Text
		}
		return s.out.json(e)
	}
	v := rep.Element.Value.Bytes
	if text, ok := jcs.Text(rep.Element.Value); ok && !raw {
		v = text
	}
	if s.out.terminal && !strings.HasSuffix(v, "\n") {
		v += "\n"
	}
	_, err := io.WriteString(s.out, v)
	return err
}

func origin(local bool) cache.Origin {
	if local {
		return cache.LocalOnly
	}
	return cache.Application
}
