// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"

	"lateral"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (*versionCmd) Help() string {
	return `Examples:

  lateral version
  lateral version --json`
}

func (c *versionCmd) Run(s *streams) error {
	if c.JSON {
		return s.out.json(struct {
			Version  string `json:"version"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{lateral.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	s.out.printf("lateral %s (%s, %s/%s)\n", lateral.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
