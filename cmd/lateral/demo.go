// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

type demoCmd struct {
	Once bool `help:"End when all is shown; exit status 0 only if all of it was observed."`
	Keep bool `help:"Keep the files and logs of the services, and say where they are."`
	JSON bool `name:"json" help:"Print JSON; implies --once."`
}

func (*demoCmd) Help() string {
	return `Two hosts, oxgw01 and oxgw02, are two loopback addresses of this machine. Each
runs a groupware with its session cache and an admindaemon, as processes of
their own, from the stock files of Open-Xchange. You see the mesh form, an
update that the other three services drop, a session that is read on the other
host, a service killed with kill -9, and its return.

It needs no privileges, multicasts on loopback only, and ends its processes
whatever happens to it.

Examples:

  lateral demo
  lateral demo --once`
}

// A step is something that the demo shows, and whether it was seen.
type step struct {
	Step    string  `json:"step"`
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"` // until it was seen, or was given up
	Saw     string  `json:"saw"`
}

// demoReport is what demo prints as JSON.
type demoReport struct {
	OK    bool        `json:"ok"`
	Steps []step      `json:"steps"`
	Mesh  *meshReport `json:"mesh"` // at the end
}

// A demo is the cluster that is shown, and what was seen of it.
type demo struct {
	*site
	s      *streams
	quiet  bool   // JSON
	url    string // of the dashboard, which only shows
	report demoReport
}

func (c *demoCmd) Run(ctx context.Context, s *streams) (err error) {
	// The kernel ends the children with the thread that started them.
	runtime.LockOSThread()
	st, err := newSite(c.Keep)
	if err != nil {
		return err
	}
	d := &demo{site: st, s: s, quiet: c.JSON, report: demoReport{OK: true, Steps: []step{}}}
	defer func() { err = errors.Join(err, st.close()) }()
	d.say("%s\n\n", st.describe())
	if !c.Once && !c.JSON {
		url, stop, err := d.dashboard()
		if err != nil {
			return err
		}
		defer stop()
		d.url = url
		d.say("Dashboard: %s\n\n", url)
	}
	for _, show := range []func(context.Context) step{d.form, d.update, d.session, d.kill, d.comeBack} {
		got := show(ctx)
		d.report.Steps = append(d.report.Steps, got)
		d.tell(got)
		if !got.OK {
			d.report.OK = false
			d.logs()
			break // what follows would fail for the same reason
		}
	}
	if c.JSON {
		d.report.Mesh = d.look(ctx)
		if err := s.out.json(d.report); err != nil {
			return err
		}
	}
	if !d.report.OK {
		return no
	}
	d.say("%s\n", d.s.out.paint(green, "all of it was observed"))
	if !c.Once && !c.JSON {
		d.live(ctx)
	}
	return nil
}

func (d *demo) say(format string, args ...any) {
	if !d.quiet {
		d.s.out.printf(format, args...)
	}
}

// tell prints the outcome of a step.
func (d *demo) tell(s step) {
	mark := d.s.out.paint(green, "✓")
	if !s.OK {
		mark = d.s.out.paint(red, "✗")
	}
	d.say("%s %s: %s\n\n", mark, s.Step, s.Saw)
}

// logs shows what the services said last.
func (d *demo) logs() {
	for _, p := range d.procs {
		d.s.err.printf("%s\n%s\n", d.s.err.paint(bold, "log of "+p.name()), p.tail())
	}
}

// live shows the mesh until somebody has seen enough.
func (d *demo) live(ctx context.Context) {
	var how strings.Builder
	how.WriteString("\nThe services keep running; Ctrl-C ends them. Ask them from another terminal:\n\n")
	for _, h := range d.hosts {
		fmt.Fprintf(&how, "  lateral mesh --runtime-dir %s\n", h.runtime)
	}
	fmt.Fprintf(&how, "\nDashboard: %s\n", d.url)
	d.say("%s\n", how.String())
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	p := &progress{screen: d.s.out}
	for first := true; ; first = false {
		r := d.look(ctx)
		switch {
		case ctx.Err() != nil:
			d.say("ending the services\n")
			return
		case !d.s.out.terminal:
			p.say(r.summary())
		case !first: // what was shown before stays readable for a moment
			page := *d.s.out
			var b bytes.Buffer
			page.Writer = &b
			page.mesh(r)
			d.say("\x1b[H\x1b[2J%s%s", b.String(), how.String())
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}
