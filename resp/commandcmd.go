// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"maps"
	"slices"
	"strings"
)

// runCommand is COMMAND with its subcommands.
func (c *client) runCommand(args [][]byte) {
	names := slices.Sorted(maps.Keys(c.f.table))
	switch {
	case len(args) == 1:
		c.out.Array(len(names))
		for _, n := range names {
			c.describe(c.f.table[n])
		}
	case isWord(args[1], "count") && len(args) == 2:
		c.out.Int(int64(len(names)))
	case isWord(args[1], "list") && len(args) == 2:
		c.out.Array(len(names))
		for _, n := range names {
			c.out.Bulk(strings.ToLower(n))
		}
	case isWord(args[1], "info"):
		c.out.Array(len(args) - 2)
		for _, a := range args[2:] {
			c.describe(c.f.table.lookup(a))
		}
	case isWord(args[1], "docs"):
		c.docs(args[2:], names)
	case isWord(args[1], "getkeys") && len(args) > 3:
		c.getKeys(args[2:])
	default:
		c.out.Error(unknownSub(args, "count list info docs getkeys"))
	}
}

// describe writes a row as Redis does: name, arity, flags, keys, and what this
// table does not have.
func (c *client) describe(cmd *command) {
	if cmd == nil {
		c.out.NullArray()
		return
	}
	flags := []string{}
	for _, f := range []struct {
		has  bool
		name string
	}{{cmd.flags&readonly != 0, "readonly"}, {cmd.flags&write != 0, "write"}, {cmd.flags&stranger != 0, "no_auth"}, {cmd.flags&noMulti != 0, "no_multi"}, {cmd.flags&(gated|alone) == 0, "fast"}} {
		if f.has {
			flags = append(flags, f.name)
		}
	}
	c.out.Array(10)
	c.out.Bulk(strings.ToLower(cmd.name))
	c.out.Int(int64(cmd.arity))
	c.out.Set(len(flags))
	for _, f := range flags {
		c.out.Simple(f)
	}
	c.out.Int(int64(cmd.first))
	c.out.Int(int64(cmd.last))
	c.out.Int(int64(cmd.step))
	for range 4 { // categories, tips, key specifications, subcommands
		c.out.Array(0)
	}
}

func (c *client) docs(args [][]byte, names []string) {
	if len(args) > 0 {
		names = nil
		for _, a := range args {
			if cmd := c.f.table.lookup(a); cmd != nil {
				names = append(names, cmd.name)
			}
		}
	}
	c.out.Map(len(names))
	for _, n := range names {
		c.out.Bulk(strings.ToLower(n))
		c.out.Map(1)
		c.out.Bulk("summary")
		c.out.Bulk(c.f.table[n].does)
	}
}

func (c *client) getKeys(args [][]byte) {
	cmd := c.f.table.lookup(args[0])
	if cmd == nil {
		c.out.Error("ERR Invalid command specified")
		return
	}
	if !cmd.takes(len(args)) {
		c.out.Error("ERR Invalid number of arguments specified for command")
		return
	}
	keys := slices.Collect(cmd.keys(len(args)))
	if len(keys) == 0 {
		c.out.Error("ERR The command has no key arguments")
		return
	}
	c.out.Array(len(keys))
	for _, i := range keys {
		c.out.Bytes(args[i])
	}
}
