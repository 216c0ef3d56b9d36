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
			Commit   string `json:"commit,omitempty"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
		}{lateral.Version, lateral.Commit, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	commit := ""
	if lateral.Commit != "" {
		commit = "commit " + lateral.Commit + ", "
	}
	s.out.printf("lateral %s (%s%s, %s/%s)\n", lateral.Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
