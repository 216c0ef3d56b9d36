// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"lateral/ccf"
	"lateral/web"
)

// A problem is an error in three texts: what was seen, why it matters, what to
// do.
type problem struct {
	saw, why, do string
	err          error // behind it; may be nil
}

func (p *problem) Error() string { return p.saw }
func (p *problem) Unwrap() error { return p.err }

// problem prints an error for people.
func (s *screen) problem(err error) {
	if list := (ccf.Errors)(nil); errors.As(err, &list) {
		s.findings(list)
		return
	}
	p := problemOf(err)
	s.printf("%s %s\n", s.paint(red, "lateral:"), p.saw)
	s.hint("why", p.why)
	s.hint("do", p.do)
}

// problemOf finds the three texts of an error.
func problemOf(err error) *problem {
	p := &problem{}
	if f := (*web.Failure)(nil); !errors.As(err, &p) && errors.As(err, &f) {
		return &problem{saw: f.Saw, why: f.Why, do: f.Do}
	} else if p.saw == "" {
		return &problem{saw: err.Error()}
	}
	return p
}

// problems is problemOf where there may be several: in ccf files.
func problems(err error) (list []*problem) {
	found := ccf.Errors(nil)
	if !errors.As(err, &found) {
		return []*problem{problemOf(err)}
	}
	for _, f := range found {
		list = append(list, &problem{saw: ccf.Finding{File: f.File, Line: f.Line, Key: f.Key, Saw: f.Saw}.String(), why: f.Why, do: f.Do})
	}
	return list
}

// hint prints a text of several lines under its name.
func (s *screen) hint(name, text string) {
	if text == "" {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			name = ""
		}
		s.printf("  %s %s\n", s.paint(faint, fmt.Sprintf("%-4s", name)), line)
	}
}

// findings prints what is to be said about ccf files.
func (s *screen) findings(list []ccf.Finding) {
	for _, f := range list {
		place := f.File
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		parts := []string{place, s.paint(severityColor(f.Severity), f.Severity.String())}
		if f.Key != "" {
			parts = append(parts, f.Key)
		}
		s.printf("%s: %s\n", strings.Join(parts, ": "), f.Saw)
		s.hint("why", f.Why)
		s.hint("do", f.Do)
	}
}

func severityColor(s ccf.Severity) color {
	switch s {
	case ccf.Error:
		return red
	case ccf.Warning:
		return yellow
	}
	return faint
}
