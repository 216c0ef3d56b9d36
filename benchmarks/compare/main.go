// SPDX-License-Identifier: Apache-2.0

// Command compare reruns the comparison page: Lateral beside JCS 1.3 and 3.2.1,
// Hazelcast's ReplicatedMap and near cache, Infinispan replicated and in
// invalidation mode, and redis-server with client-side caching, in one run on
// one machine with the same keys and values; medians of interleaved rounds, and
// what nobody publishes: what is lost, stale or different after a partition
// under load, a kill -9, an invalidation.
//
//	go run ./benchmarks/compare              all of it, within a quarter of an hour; writes the page
//	go run ./benchmarks/compare -smoke       tiny counts, tells only that it works; writes nothing
//	go run ./benchmarks/compare split fail   parts of: hold fail split rounds; writes nothing but to standard output
//	go run ./benchmarks/compare -only lateral,lateral-invalidate,redis rounds
//
// It needs java and mvn, which fetches the libraries as it is configured to, and
// redis-server; a partition needs root, iptables and Linux. All processes run in
// a network namespace of their own with nothing but lo in it; without root they
// run on loopback, and the partition is left out.
//
// Each system is two processes, A and B, that know each other by address; each
// is driven by the same loops (driver.go, java/src/peers/Driver.java) through
// its own interface, embedded, without a network in between, and asked by lines
// on standard input (protocol.go).
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what a run is made of; smoke has another set.
type settings struct {
	Rounds    int           // at most
	Within    time.Duration // no further round is begun that would not end by then
	Fill      time.Duration // of a throughput run …
	FillPuts  int           // … and its most puts
	Keys      int           // different ones of throughput and gets
	Samples   int           // puts of the latency run, 500 per second
	Gets      time.Duration
	Hold      int           // elements of the memory and join runs
	HoldQuiet time.Duration // B is given up on when nothing more came for so long
	Partition time.Duration
	Heal      time.Duration // given up after this
	SplitKeys int
	Failover  time.Duration // of writing before the kill
}

var (
	full = settings{Rounds: 3, Within: 13 * time.Minute, Fill: 1500 * time.Millisecond, FillPuts: 100_000, Keys: 10_000, Samples: 800, Gets: 700 * time.Millisecond,
		Hold: 1_000_000, HoldQuiet: 3 * time.Second, Partition: time.Minute, Heal: time.Minute, SplitKeys: 200, Failover: 2 * time.Second}
	tiny = settings{Rounds: 1, Within: 5 * time.Minute, Fill: 50 * time.Millisecond, FillPuts: 500, Keys: 64, Samples: 10, Gets: 20 * time.Millisecond,
		Hold: 500, HoldQuiet: time.Second, Partition: time.Second, Heal: 20 * time.Second, SplitKeys: 10, Failover: 50 * time.Millisecond}
)

var (
	smoke  = flag.Bool("smoke", false, "tiny counts: only whether it works")
	only   = flag.String("only", "", "systems, by their short names, separated by commas")
	asJSON = flag.Bool("json", false, "print the report as JSON, not as text")
	keep   = flag.Bool("keep", false, "keep logs of the processes, and say where")
	write  = flag.Bool("write", false, "write results, plots and tables even if it is not the whole run")

	page = flag.Bool("page", false, "measure nothing: write page and plots anew from benchmarks/results/compare.json")

	rounds    = flag.Int("rounds", 0, "rounds at most; default 3")
	within    = flag.Duration("within", 0, "time for everything; default 13m")
	hold      = flag.Int("hold", 0, "elements of the memory and join runs; default 1000000")
	partition = flag.Duration("partition", 0, "length of the partition; default 1m")

	serve  = flag.String("serve", "", "internal: be a process of this system")
	inside = flag.String("inside", "", "internal: run parts in this directory")
	split  = flag.String("splitone", "", "internal: partition this system, in this process's network")
)

// parts are in the order in which they run. The first round comes before all
// others, further ones take what time is left.
var parts = []string{"hold", "fail", "split", "rounds"}

func main() {
	flag.Parse()
	log.SetFlags(0)
	runtime.LockOSThread() // the kernel ends processes with the thread that started them
	err := error(nil)
	switch {
	case *page:
		err = again()
	case *serve != "":
		err = serveGo(*serve, flag.Args(), os.Stdin, os.Stdout)
	case *split != "":
		err = splitInside(*split)
	case *inside != "":
		err = runInside(*inside)
	default:
		err = prepareAndRun()
	}
	if err != nil {
		log.Fatal("compare: ", err)
	}
}

func chosen() settings {
	s := full
	if *smoke {
		s = tiny
	}
	if *rounds > 0 {
		s.Rounds = *rounds
	}
	if *within > 0 {
		s.Within = *within
	}
	if *hold > 0 {
		s.Hold = *hold
	}
	if *partition > 0 {
		s.Partition = *partition
	}
	return s
}

func wantedParts() ([]string, error) {
	for _, p := range flag.Args() {
		if !slices.Contains(parts, p) {
			return nil, fmt.Errorf("there is no part %q; there are %s", p, strings.Join(parts, " "))
		}
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return flag.NArg() > 0 && !slices.Contains(flag.Args(), p) }), nil
}

func wantedEngines() ([]*engine, error) {
	if *only == "" {
		return engines, nil
	}
	var some []*engine
	for name := range strings.SplitSeq(*only, ",") {
		e := engineOf(name)
		if e == nil {
			return nil, fmt.Errorf("there is no system %q; there are %s", name, strings.Join(shorts(engines), " "))
		}
		some = append(some, e)
	}
	return some, nil
}

// prepareAndRun builds what is to be compared, while there is a network, and
// runs this program again where there is none.
func prepareAndRun() error {
	if _, err := wantedParts(); err != nil {
		return err
	}
	es, err := wantedEngines()
	if err != nil {
		return err
	}
	if err := missing(es, exec.LookPath); err != nil {
		return err
	}
	began := time.Now()
	work, err := os.MkdirTemp("", "lateral-compare-")
	if err != nil {
		return err
	}
	if *keep {
		log.Print("files and logs are in ", work)
	} else {
		defer os.RemoveAll(work)
	}
	if slices.ContainsFunc(es, func(e *engine) bool { return e.java }) {
		log.Print("building the Java peers")
		if err := buildJava(work); err != nil {
			return err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"-inside", work}, flagsAgain()...)
	cmd := exec.Command(self, append(args, flag.Args()...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), fmt.Sprint("COMPARE_BEGAN=", began.UnixNano()))
	if privateNetwork() {
		cmd.SysProcAttr = alone()
	}
	// Ctrl-C reaches the child, too, which ends its processes.
	signal.Ignore(syscall.SIGINT)
	return cmd.Run()
}

// flagsAgain are those that were given, for the program that is run again.
func flagsAgain() (out []string) {
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "inside" && f.Name != "splitone" {
			out = append(out, "-"+f.Name+"="+f.Value.String())
		}
	})
	return out
}

// missing says what must be installed before there is something to compare with.
func missing(es []*engine, look func(string) (string, error)) error {
	var errs []error
	need := func(tool, why string) {
		if _, err := look(tool); err != nil {
			errs = append(errs, fmt.Errorf("%s is not in PATH; %s", tool, why))
		}
	}
	if slices.ContainsFunc(es, func(e *engine) bool { return e.java }) {
		need("java", "most of what is compared with is written in Java: install a JDK, 17 or later")
		need("javac", "our driver is compiled for it: install the JDK of that runtime")
		need("mvn", "it fetches the libraries and builds the driver: install Apache Maven 3")
	}
	if slices.ContainsFunc(es, func(e *engine) bool { return e.redis }) {
		need("redis-server", "it is compared with: install Redis 7")
	}
	return errors.Join(errs...)
}
