// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"lateral/ccf"
)

type checkCmd struct {
	hostFiles
	JSON bool `name:"json" help:"Print JSON."`
}

func (*checkCmd) Help() string {
	return `Lints the files of one host: each by itself, those of a service together, and
services against each other (equal ports, other groups on one port, regions that
are wired differently). Exit status: 0 clean, 1 warnings, 2 errors.

Examples:

  lateral config check cache.ccf
  lateral config check /opt/open-xchange/etc/{groupware,admindaemon}
  lateral config check --service web=a.ccf,b.ccf --service admin=c.ccf --json`
}

// A lint is what check prints.
type lint struct {
	Services []lintService `json:"services"`
	Findings []ccf.Finding `json:"findings"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Notes    int           `json:"notes"`
}

type lintService struct {
	Service string   `json:"service"`
	Files   []string `json:"files"`
}

func (c *checkCmd) Run(s *streams) error {
	list, err := c.sets()
	if err != nil {
		return err
	}
	l := check(list)
	if c.JSON {
		if err := s.out.json(l); err != nil {
			return err
		}
	} else {
		s.out.lint(l)
	}
	switch {
	case l.Errors > 0:
		return verdict(2)
	case l.Warnings > 0:
		return verdict(1)
	}
	return nil
}

func check(list []set) lint {
	l := lint{Services: []lintService{}, Findings: []ccf.Finding{}}
	for _, s := range list {
		l.Services = append(l.Services, lintService{s.name, s.files})
	}
	l.Findings = append(l.Findings, ccf.CheckHost(load(list)...)...)
	for _, f := range l.Findings {
		switch f.Severity {
		case ccf.Error:
			l.Errors++
		case ccf.Warning:
			l.Warnings++
		default:
			l.Notes++
		}
	}
	return l
}

func (s *screen) lint(l lint) {
	s.findings(l.Findings)
	if len(l.Findings) > 0 {
		s.printf("\n")
	}
	for _, v := range l.Services {
		s.printf("service %s: %s\n", v.Service, strings.Join(v.Files, ", "))
	}
	c := green
	switch {
	case l.Errors > 0:
		c = red
	case l.Warnings > 0:
		c = yellow
	}
	s.printf("%s\n", s.paint(c, strings.Join([]string{counted(l.Errors, "error"), counted(l.Warnings, "warning"), counted(l.Notes, "note")}, ", ")))
}

// counted is a number of things: "1 note", "2 notes".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
