// SPDX-License-Identifier: Apache-2.0

package main

import "lateral/ccf"

type referenceCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (*referenceCmd) Help() string {
	return `Prints every key that is known with its default and meaning, as a cache.ccf that
can be read. It comes from the table that the parser uses.

Examples:

  lateral config reference
  lateral config reference > cache.ccf
  lateral config reference --json | jq '.[] | select(.own).key'`
}

func (c *referenceCmd) Run(s *streams) error {
	if c.JSON {
		return s.out.json(ccf.Reference())
	}
	return ccf.WriteReference(s.out)
}
