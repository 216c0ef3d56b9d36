// SPDX-License-Identifier: Apache-2.0

package main

import "lateral/ccf"

type configCmd struct {
	Check     checkCmd     `cmd:"" help:"Check the files of all services of a host, together."`
	Show      showCmd      `cmd:"" help:"Print every setting as it counts, and where it comes from."`
	Reference referenceCmd `cmd:"" help:"Print every key with its default and meaning."`
}

func (*configCmd) Help() string {
	return `Examples:

  lateral config check /etc/lateral/groupware
  lateral config show cache.ccf
  lateral config reference`
}

// hostFiles are the files of a host's services as the command line names them.
type hostFiles struct {
	Paths   []string `arg:"" optional:"" name:"file" help:"Files (those of one directory are one service), or directories: of a service, or of services."`
	Service []string `placeholder:"NAME=FILE,…" sep:"none" help:"The files of one service, where directories do not tell."`
}

// sets returns the files by service.
func (h *hostFiles) sets() ([]set, error) {
	if len(h.Paths)+len(h.Service) == 0 {
		return nil, &problem{saw: "no file is named", do: "name files or directories, such as /opt/open-xchange/etc/groupware and …/admindaemon"}
	}
	list, err := sets(h.Paths)
	if err != nil {
		return nil, err
	}
	more, err := named(h.Service)
	return append(list, more...), err
}

// load reads the files of services. What is wrong with them is in the Config.
func load(list []set) []ccf.Service {
	var out []ccf.Service
	for _, s := range list {
		c, _ := ccf.Load(s.files...) // its errors are among the findings of CheckHost
		out = append(out, ccf.Service{Name: s.name, Config: c})
	}
	return out
}
