// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"lateral"
)

type manCmd struct{}

func (*manCmd) Help() string {
	return `Writes lateral(1), made of the same table as --help, for man(1) to read. The
packages of Lateral have it installed. Its date is that of SOURCE_DATE_EPOCH.

Examples:

  lateral man | man -l -
  lateral man > /usr/local/share/man/man1/lateral.1`
}

func (c *manCmd) Run(m *kong.Application, s *streams) error {
	s.out.printf("%s", manual(m, epoch()))
	return nil
}

// epoch is the date of the manual: that of what is packaged, else today.
// https://reproducible-builds.org/specs/source-date-epoch/
func epoch() time.Time {
	if n, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(n, 0).UTC()
	}
	return time.Now().UTC()
}

// page is a manual in the language of man(7).
type page struct{ strings.Builder }

func manual(m *kong.Application, date time.Time) string {
	p := &page{}
	fmt.Fprintf(p, ".TH LATERAL 1 %s \"Lateral %s\"\n", date.Format(time.DateOnly), roff(lateral.Version)) // a date is no text
	p.macro("SH", "NAME")
	p.text("lateral - a clustered cache that assembles itself")
	p.macro("SH", "SYNOPSIS")
	p.text("lateral COMMAND [ARGUMENTS] [FLAGS]")
	p.macro("SH", "DESCRIPTION")
	p.paragraphs(m.Help)
	p.macro("SH", "COMMANDS")
	for _, c := range m.Leaves(true) {
		p.command(c)
	}
	p.macro("SH", "EXIT STATUS")
	p.terms([][2]string{
		{"0", "Yes: it was done, or all is well."},
		{"1", "No: a mesh that is incomplete, a key that is not there, warnings."},
		{"2", "It could not be done; standard error says what was seen, why it matters and what to do."},
	})
	p.macro("SH", "ENVIRONMENT")
	p.terms([][2]string{
		{"LATERAL_RUNTIME_DIR", "Directory of the services' sockets, in place of /run/lateral for root, $XDG_RUNTIME_DIR/lateral for others."},
		{"NO_COLOR", "If it is set and not empty, nothing is coloured. Without a terminal nothing is either."},
	})
	p.macro("SH", "FILES")
	p.terms([][2]string{
		{"/etc/lateral/NAME/*.ccf", "Configuration of the service lateral@NAME of systemd; cache.ccf is read first. lateral config reference prints every key."},
		{"/etc/lateral/NAME/flags", "LATERAL_FLAGS=…: further flags of its lateral run."},
		{"/run/lateral/NAME.sock", "By which commands ask a running service: who may open it may do everything."},
		{"/usr/share/doc/lateral/docs", "The documentation: begin with README.md."},
	})
	p.macro("SH", "SEE ALSO")
	p.text("systemctl(1), ip(8), ss(8)")
	return p.String()
}

// command writes what --help says of one.
func (p *page) command(c *kong.Node) {
	p.macro("SS", "lateral "+c.Summary())
	p.text(c.Help)
	if c.Detail != "" {
		p.macro("PP")
		p.paragraphs(c.Detail)
	}
	var list [][2]string
	for _, a := range c.Positional {
		list = append(list, [2]string{a.Summary(), a.Help})
	}
	for _, f := range c.Flags {
		if !f.Hidden {
			list = append(list, [2]string{f.String(), f.Help})
		}
	}
	p.terms(list)
}

// paragraphs writes text; lines that begin with blanks stay lines.
func (p *page) paragraphs(text string) {
	for i, part := range strings.Split(text, "\n\n") {
		if i > 0 {
			p.macro("PP")
		}
		if !strings.HasPrefix(part, "  ") {
			p.text(strings.ReplaceAll(part, "\n", " "))
			continue
		}
		p.macro("nf")
		for line := range strings.SplitSeq(part, "\n") {
			p.WriteString(roff("    "+strings.TrimPrefix(line, "  ")) + "\n")
		}
		p.macro("fi")
	}
}

// terms writes words with what they mean.
func (p *page) terms(list [][2]string) {
	for _, t := range list {
		p.macro("TP")
		p.WriteString(`\fB` + roff(t[0]) + "\\fR\n")
		p.text(t[1])
	}
}

// text writes lines of at most 76 letters, which the reader's program fills anew.
func (p *page) text(s string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len(line)+1+len(word) > 76 {
			p.WriteString(roff(line) + "\n")
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	p.WriteString(roff(line) + "\n")
}

// macro writes a request with its arguments.
func (p *page) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, a := range args {
		fmt.Fprintf(p, ` "%s"`, strings.ReplaceAll(roff(a), `"`, `\(dq`))
	}
	p.WriteString("\n")
}

// roff is a text in which nothing is a request or an escape.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", "...", "–", `\(en`).Replace(s)
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}
