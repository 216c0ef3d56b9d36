// SPDX-License-Identifier: Apache-2.0

// Command lateral runs and inspects services of a clustered cache that
// assembles itself.
//
// Each command has a file of its own with its help and examples; what several
// share is in ask.go (which service to ask), show.go (tables, colours) and
// problem.go (errors that teach). Exit status: 0 yes, 1 no (a mesh that is
// incomplete, a key that is not there, warnings), 2 it could not be done.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line. The order is that of the help.
type commands struct {
	Run    runCmd    `cmd:"" help:"Run one service in the foreground."`
	Mesh   meshCmd   `cmd:"" help:"Show every link of every service on this host, and what is missing."`
	Ready  readyCmd  `cmd:"" help:"Tell whether the services of this host may be given work."`
	Verify verifyCmd `cmd:"" help:"Compare the replicas of regions on all members."`
	Why    whyCmd    `cmd:"" help:"Tell what every member knows of a key, and why."`
	Stats  statsCmd  `cmd:"" help:"Show regions and endpoints: sizes, hits, lag."`
	Top    topCmd    `cmd:"" help:"Show regions and links as they are, again and again."`
	Get    getCmd    `cmd:"" help:"Print the value of a key."`
	Touch  touchCmd  `cmd:"" help:"Note an access to a key, which keeps it from idling out."`
	Take   takeCmd   `cmd:"" help:"Print the value of a key and remove it, for one caller only."`
	Put    putCmd    `cmd:"" help:"Store a value."`
	Rm     rmCmd     `cmd:"" help:"Remove a key, a prefix or a group."`
	Keys   keysCmd   `cmd:"" help:"List the keys of a region."`
	Clear  clearCmd  `cmd:"" help:"Remove everything from a region."`
	Forget forgetCmd `cmd:"" help:"List members of whom nothing is heard, or have one forgotten."`
	Config configCmd `cmd:"" help:"Check, show and explain cache.ccf files."`
	Ports  portsCmd  `cmd:"" help:"List the ports that files ask for, for firewalls."`
	Doctor doctorCmd `cmd:"" help:"Check this host: interfaces, routes, multicast, ports, name, files."`
	Keygen keygenCmd `cmd:"" help:"Make a cluster secret, or replace one step by step."`
	Demo   demoCmd   `cmd:"" help:"Run two hosts with three caches each on loopback and show what they do."`

	Bench benchCmd `cmd:"" help:"Measure a cluster: throughput, propagation, recovery, what a failure loses."`

	Loglevel loglevelCmd `cmd:"" help:"Show or change how much running services log."`

	Completion completionCmd `cmd:"" help:"Print what makes a shell complete commands, flags and names."`
	Complete   completeCmd   `cmd:"" hidden:"" help:"Answer such a shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// newParser is the command line, for main and for the tests of its table.
func newParser(cli *commands) *kong.Kong {
	return kong.Must(cli, kong.Name("lateral"), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Description("A clustered cache that assembles itself. Services find each other by multicast, connect over TCP and keep their regions coherent, as their cache.ccf says.\n\nTry it: lateral demo"))
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err *screen
}

func main() {
	var cli commands
	s := streams{in: os.Stdin, out: newScreen(os.Stdout), err: newScreen(os.Stderr)}
	kctx, err := newParser(&cli).Parse(words(os.Args[1:]))
	if err != nil {
		s.err.problem(usage(err))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	kctx.BindTo(ctx, (*context.Context)(nil))
	kctx.Bind(&s, kctx.Model)
	err = kctx.Run()
	stop()
	os.Exit(s.end(err))
}

// end prints what went wrong and returns the exit status.
func (s *streams) end(err error) int {
	if err == nil {
		return 0
	}
	if a := answer(0); errors.As(err, &a) {
		return int(a)
	}
	s.err.problem(err)
	return 2
}

// An answer is an exit status that needs no words any more.
type answer int

func (a answer) Error() string { return fmt.Sprintf("exit status %d", int(a)) }

// no is the answer of a command whose question has been answered in the negative.
const no answer = 1

// verdict is the answer of a check: 0, 1 or 2.
func verdict(status int) error {
	if status == 0 {
		return nil
	}
	return answer(status)
}
