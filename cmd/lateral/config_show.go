// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"lateral/ccf"
)

type showCmd struct {
	Paths   []string `arg:"" name:"file" help:"The files of one service in the order in which it reads them, or its directory."`
	Written bool     `help:"Only what is written in a file, not the defaults."`
	JSON    bool     `name:"json" help:"Print JSON."`
}

func (*showCmd) Help() string {
	return `Prints KEY=VALUE and, as a comment, the place that it comes from: file and line,
or "default". Secrets are not shown. Exit status 2 if there is an error in a
file; what could be read is printed even then.

Examples:

  lateral config show /opt/open-xchange/etc/groupware
  lateral config show cache.ccf sessioncache.ccf --written
  lateral config show cache.ccf --json | jq '.[] | select(.source == "default").key'`
}

func (c *showCmd) Run(s *streams) error {
	files, err := expand(c.Paths)
	if err != nil {
		return err
	}
	cfg, err := ccf.Load(files...)
	list := []ccf.Setting{}
	for _, e := range cfg.Effective() {
		if !c.Written || e.Source != "default" {
			list = append(list, e)
		}
	}
	if c.JSON {
		if e := s.out.json(list); e != nil {
			return e
		}
		return err
	}
	t := &table{}
	for _, e := range list {
		t.add(e.Key+"="+strings.ReplaceAll(e.Value, "\n", `\n`), cell{"# " + e.Source, faint})
	}
	s.out.table("", t)
	return err
}
