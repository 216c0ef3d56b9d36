// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

type benchCmd struct {
	Part     []string      `arg:"" optional:"" help:"throughput, propagation, recovery, failover; default all that are possible."`
	Region   string        `placeholder:"REGION" help:"Measure this region of the services that run on this host, instead of a cluster of its own."`
	Service  string        `placeholder:"NAME" help:"With --region: the service that writes; default the first that has it."`
	Nodes    int           `default:"3" help:"Services of its own cluster, 2 to 16."`
	Duration time.Duration `default:"5s" help:"Time for each part."`
	Size     int           `default:"100" help:"Bytes of a value."`
	Keys     int           `default:"10000" help:"Different keys."`
	Writers  int           `default:"4" help:"Writers at a time, for throughput and failover."`
	Rate     int           `default:"200" help:"Puts per second for propagation and recovery."`
	HTML     string        `name:"html" placeholder:"FILE" help:"Write a page with plots, too."`
	JSON     bool          `name:"json" help:"Print JSON."`
	place
}

func (*benchCmd) Help() string {
	return `Starts a cluster of its own on loopback, from one replicated region, measures it
and ends it; or, with --region, measures that region of the services that run on
this host, under keys of its own that it removes at the end. Nothing that was
not started here is killed.

  throughput   puts by several writers through a service's socket, until every
               other service holds them; which keys lack their last value
  propagation  puts at a steady rate: until the first and until the last of the
               other services has it (fan-out). In a region that invalidates:
               until the old value is gone
  recovery     a service is killed (kill -9) while another is written to, and
               started anew: until it holds all that was written before and
               meanwhile
  failover     the service that is written to is killed: which writes that it had
               acknowledged no survivor holds, with and without --acks 1 of put.
               With acks it must be none

Ctrl-C gives what was measured so far. It measures this machine, too: HTTP by
each service's socket, and all services on the same cores. Exit status: 0 all was
measured and nothing was lost that must not be, 1 not so, 2 it could not be done.

Examples:

  lateral bench
  lateral bench throughput --nodes 5 --size 1000 --html bench.html
  lateral bench --region SessionCache propagation --duration 10s
  lateral bench --json | jq .failover`
}

// benchParts are in the order in which they run: those that kill come last.
var benchParts = []string{"throughput", "propagation", "recovery", "failover"}

func (c *benchCmd) check() error {
	for _, p := range c.Part {
		if !slices.Contains(benchParts, p) {
			return &problem{saw: "there is no part " + p, do: "choose of: " + strings.Join(benchParts, ", ")}
		}
		if c.Region != "" && kills(p) {
			return &problem{saw: p + " kills a service, and --region names one that runs", why: "others may depend on it",
				do: "leave --region away: a cluster is started for it"}
		}
	}
	for _, x := range []struct {
		name          string
		is, low, high int
	}{{"nodes", c.Nodes, 2, 16}, {"size", c.Size, 32, 1 << 20}, {"keys", c.Keys, 1, 1_000_000}, {"writers", c.Writers, 1, 64}, {"rate", c.Rate, 1, 10_000}} {
		if x.is < x.low || x.is > x.high {
			return &problem{saw: fmt.Sprintf("--%s=%d", x.name, x.is), do: fmt.Sprintf("give a number from %d to %d", x.low, x.high)}
		}
	}
	if c.Duration < 100*time.Millisecond || c.Duration > time.Hour {
		return &problem{saw: "--duration=" + c.Duration.String(), do: "give a time from 100ms to 1h"}
	}
	return nil
}

func kills(part string) bool { return part == "recovery" || part == "failover" }

// A benchReport is what was measured. A part that was not is nil.
type benchReport struct {
	Machine     string         `json:"machine"`
	Began       time.Time      `json:"began"`
	Own         bool           `json:"own_cluster"`
	Services    []string       `json:"services"` // that were asked; the first one is written to
	Region      string         `json:"region"`
	Mode        string         `json:"mode"`
	Size        int            `json:"value_bytes"`
	Keys        int            `json:"keys"`
	Writers     int            `json:"writers"`
	Interrupted bool           `json:"interrupted"`
	OK          bool           `json:"ok"`
	Throughput  *throughputRun `json:"throughput,omitempty"`
	Propagation *travelRun     `json:"propagation,omitempty"`
	Recovery    *recoveryRun   `json:"recovery,omitempty"`
	Failover    []failoverRun  `json:"failover,omitempty"`
	Left        []string       `json:"left_out,omitempty"` // and why
}

// A bench is a run.
type bench struct {
	*benchCmd
	cluster *benchCluster
	p       *progress
	report  benchReport
}

func (c *benchCmd) Run(ctx context.Context, s *streams) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	var page *os.File // made first: what was measured must not be lost for it
	if c.HTML != "" {
		if page, err = os.Create(c.HTML); err != nil {
			return &problem{saw: "--html: " + err.Error(), do: "name a file in a directory that is there", err: err}
		}
		defer func() { err = errors.Join(err, page.Close()) }()
	}
	runtime.LockOSThread() // the kernel ends the children with the thread that started them
	b := &bench{benchCmd: c, p: &progress{screen: s.err}}
	b.cluster, err = c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.cluster.close()) }()
	b.report = benchReport{Machine: machineLine(), Began: time.Now().UTC().Truncate(time.Second), Own: c.Region == "", Region: b.cluster.region, Mode: b.cluster.mode,
		Size: c.Size, Keys: c.Keys, Writers: c.Writers, OK: true}
	for _, m := range b.cluster.members {
		b.report.Services = append(b.report.Services, m.Service)
	}
	if err := b.all(ctx); err != nil {
		return err
	}
	if page != nil {
		if _, err := page.WriteString(b.report.page()); err != nil {
			return err
		}
	}
	if c.JSON {
		err = s.out.json(b.report)
	} else {
		s.out.bench(&b.report)
	}
	if err == nil && !b.report.OK {
		return no
	}
	return err
}

// all runs the parts, until somebody has seen enough.
func (b *bench) all(ctx context.Context) error {
	defer b.p.end()
	runs := map[string]func(context.Context) error{"throughput": b.throughput, "propagation": b.propagation, "recovery": b.recovery, "failover": b.failover}
	for _, part := range benchParts {
		switch {
		case len(b.Part) > 0 && !slices.Contains(b.Part, part):
			continue
		case b.Region != "" && kills(part):
			b.report.Left = append(b.report.Left, part+": it kills a service, and these are not ours")
			continue
		case len(b.cluster.members) < 2 && part != "throughput":
			b.report.Left = append(b.report.Left, part+": no other service of this host has the region")
			continue
		}
		err := runs[part](ctx)
		if ctx.Err() != nil {
			b.report.Interrupted, b.report.OK = true, false
			b.report.Left = append(b.report.Left, "what follows "+part+", and the rest of it: interrupted")
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	return nil
}

// say shows how far it is, where somebody looks.
func (b *bench) say(format string, args ...any) {
	if b.p.terminal {
		b.p.say(fmt.Sprintf(format, args...))
	}
}

// machineLine is what figures are worth nothing without.
func machineLine() string {
	cpu := "?"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	load := ""
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load " + strings.Fields(string(text))[0] + " before"
	}
	return fmt.Sprintf("%s, %d cores, %s/%s%s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, load)
}
