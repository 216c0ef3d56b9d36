// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lateral/doctor"
	"lateral/internal/lab"
	"lateral/secret"
)

// fillIn takes the remedy from the lines of Do that begin so, and writes into
// them what only people know.
func fillIn(words string) func(doctor.Finding) []string {
	return func(f doctor.Finding) (run []string) {
		for line := range strings.Lines(f.Do) {
			line = strings.TrimSpace(line)
			switch {
			case !strings.HasPrefix(line, words):
			case strings.HasPrefix(line, "ADDRESS "): // a line of that file
				run = append(run, fmt.Sprintf("echo '%s' >>/etc/hosts", strings.Replace(line, "ADDRESS", "@HELPER", 1)))
			default:
				run = append(run, strings.NewReplacer("MEMBER", "@HELPER", "SERVER:", "127.0.0.1:", "ADDRESS/LENGTH", "@ADDR/24").Replace(line))
			}
		}
		return run
	}
}

// A patient is a host of its own for one trap.
type patient struct {
	t       *testing.T
	h       *lab.Host
	trap    trap
	number  int
	fill    *strings.Replacer
	held    int // pid of who holds a port
	service int // pid of a service that runs here
	proc    *lab.Proc
	page    *trapPage
}

// TestTraps breaks one host for each trap and has the doctor name the cause;
// its remedy, run as it was printed, makes the next run green. All hosts are on
// one bridge with a service that is well.
func TestTraps(t *testing.T) {
	t.Parallel() // with other tests; the traps are all at once in any case
	l := lab.New(t, lab.Options{Hosts: 1 + len(traps)})
	helper := l.Hosts[0]
	bin := binaries(t)
	for i, h := range l.Hosts {
		must(t, os.WriteFile(filepath.Join(h.Dir, "hosts"), nil, 0o644))
		if i == 0 {
			_, err := secret.Create(filepath.Join(h.Dir, "cluster.secret"), time.Now())
			must(t, err)
			continue
		}
		b, err := os.ReadFile(filepath.Join(helper.Dir, "cluster.secret"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(h.Dir, "cluster.secret"), b, 0o600))
	}
	p := &patient{t: t, h: helper, fill: strings.NewReplacer("@DIR", helper.Dir)}
	helper.AddRoute(everyGroup)
	p.shell(bin, "ip -6 addr del "+helper.Addr6.String()+"/64 dev eth0") // link-local is what a host without a router has
	p.shell(bin, "ip addr add 10.77.0.250/24 dev eth0")                  // it is found there, too
	p.write("helper.ccf", helperCCF())
	service := p.start(bin, "run", "--service", "helper", "--config", "helper.ccf", "--runtime-dir", "run")
	service.WaitLine("msg=started", 20*time.Second)

	pg := &trapPage{said: map[string]string{}}
	room := make(chan struct{}, 10) // at once: each doctor is a process
	var all sync.WaitGroup
	defer func() {
		all.Wait()
		pg.compare(t)
	}()
	treat := func(i int, x trap) {
		h := l.Hosts[1+i]
		t.Run(x.name, func(t *testing.T) {
			p := &patient{t: t, h: h, trap: x, number: i, page: pg, fill: strings.NewReplacer("@DIR", h.Dir, "@HELPERDIR", helper.Dir, "@HELPER", helper.Addr.String(),
				"@ADDR", h.Addr.String(), "@N", fmt.Sprintf("%02d", i), "@HOLD", filepath.Join(bin, "hold"), "@SELF", h.Name)}
			p.treat(bin)
		})
	}
	last := func(x trap) bool { return x.runs && x.ccf == "" } // its service is heard by all others
	for i, x := range traps {
		if !last(x) {
			all.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				treat(i, x)
			})
		}
	}
	all.Wait()
	for i, x := range traps {
		if last(x) {
			treat(i, x)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// treat breaks the host, has it looked at, mends it and looks again.
func (p *patient) treat(bin string) {
	x := p.trap
	p.furnish(bin)
	for _, c := range x.setUp {
		p.harm(bin, c)
	}
	if x.runs {
		p.serve(bin)
		defer func() { p.end() }()
	}
	if x.check == "" {
		p.green(bin, "")
		return
	}
	run := p.named(bin)
	if x.env != "" && !mayRaise(p.t) {
		p.t.Log("this process may not raise limits (CAP_SYS_RESOURCE): the remedy is not tried")
		return
	}
	for _, c := range run {
		if strings.HasPrefix(c, "ulimit ") {
			p.green(bin, x.env+c+";")
			return
		}
		if !p.network(c) {
			p.shell(bin, c)
		}
	}
	if x.anew {
		p.end()
		p.serve(bin)
	}
	p.green(bin, "")
}

// furnish gives the host its files, and programs that stand for what it has not
// got: scp takes the file of that name from the one other host.
func (p *patient) furnish(bin string) {
	text := p.trap.ccf
	if text == "" {
		text = plainCCF
	}
	must(p.t, os.Mkdir(filepath.Join(p.h.Dir, "groupware"), 0o755))
	p.write("groupware/cache.ccf", text)
	must(p.t, os.Mkdir(filepath.Join(p.h.Dir, "bin"), 0o755))
	p.write("bin/scp", "#!/bin/sh\ntest \"${1%%:*}\" = @HELPER && exec cp @HELPERDIR/$(basename \"$1\") \"$2\"\n")
	must(p.t, os.Chmod(filepath.Join(p.h.Dir, "bin", "scp"), 0o755))
	p.shell(bin, "mount -t tmpfs none /run") // what this machine keeps its network with is not the host's
}

// serve starts the host's service, and waits until it is heard.
func (p *patient) serve(bin string) {
	p.t.Helper()
	p.proc = p.start(bin, "-c", p.trap.env+" exec lateral run --service groupware --config groupware/cache.ccf --runtime-dir run")
	p.service = p.proc.PID
	p.proc.WaitLine("msg=started", 20*time.Second)
	p.eventually(bin, func(r doctor.Report) error { // a link may be there before an announcement
		for _, f := range r.Findings {
			if f.Check == "neighbours" && f.Severity != doctor.Ok {
				return errors.New(f.Saw)
			}
		}
		return nil
	})
	for _, c := range p.trap.then {
		if c == "@TWO" {
			two := p.start(bin, "run", "--service", "two", "--config", "two", "--runtime-dir", "run")
			two.WaitLine("msg=started", 20*time.Second)
			p.held = two.PID
			continue
		}
		p.shell(bin, c)
	}
}

// end stops it.
func (p *patient) end() {
	p.proc.Signal(syscall.SIGTERM)
	must(p.t, p.proc.Wait(20*time.Second))
}

// eventually looks until what is seen is right: services that run learn things
// in time.
func (p *patient) eventually(bin string, right func(r doctor.Report) error) {
	p.t.Helper()
	lab.Eventually(p.t, 20*time.Second, func() error { return right(p.look(bin, "")) })
}

// mayRaise reports whether this process may raise a limit of files, which in
// many containers root may not.
func mayRaise(t *testing.T) bool {
	t.Helper()
	return exec.Command("/bin/sh", "-c", "ulimit -n 256; ulimit -Hn 65536").Run() == nil
}

// harm runs a line that makes the host wrong; the test is skipped where the
// machine has not got what it takes.
func (p *patient) harm(bin, line string) {
	p.t.Helper()
	if name, what, ok := strings.Cut(line, " "); ok && name == "@HOLD" {
		holder := p.h.Start(filepath.Join(bin, "hold"), strings.Fields(what)...)
		holder.WaitLine("held", 10*time.Second)
		p.held = holder.PID
		return
	}
	if p.network(line) {
		return
	}
	out, err := p.command(bin, line).CombinedOutput()
	exit := (*exec.ExitError)(nil)
	switch lacks := errors.As(err, &exit) && exit.ExitCode() == 127; {
	case err == nil:
	case lacks, bytes.Contains(out, []byte("Unknown device type")), bytes.Contains(out, []byte("not supported")):
		lab.Missing(p.t, "lab", fmt.Sprintf("needs %s: %s", line, bytes.TrimSpace(out)))
	default:
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// network does what a host cannot do itself: "@SWITCH 1400" has the switch port
// take no larger packets, "@CABLE out" and "@CABLE in" are the cable.
func (p *patient) network(line string) bool {
	p.t.Helper()
	switch what, how, _ := strings.Cut(line, " "); {
	case what == "@SWITCH":
		bytes, err := strconv.Atoi(how)
		must(p.t, err)
		p.h.SwitchMTU(bytes)
	case line == "@CABLE out":
		p.h.CableOut()
	case line == "@CABLE in":
		p.h.CableIn()
	default:
		return false
	}
	return true
}

// named wants the doctor to say what the host has, and nothing else, as soon as the kernel and
// the neighbours have taken in what broke it. It returns the remedy.
func (p *patient) named(bin string) (run []string) {
	p.t.Helper()
	var said []doctor.Finding
	lab.Eventually(p.t, 20*time.Second, func() (err error) {
		run, said, err = p.judge(bin, p.look(bin, p.trap.env))
		return err
	})
	for _, f := range said {
		if p.page != nil {
			p.page.say(p.trap.name, p.plain(f))
		}
	}
	return run
}

// judge says what is wrong with a report, and returns its remedy and the findings that name the cause.
func (p *patient) judge(bin string, r doctor.Report) (run []string, said []doctor.Finding, err error) {
	p.t.Helper()
	x := p.trap
	var wrong []error
	for _, f := range r.Findings {
		if f.Severity == doctor.Ok || f.Because != "" {
			continue
		}
		whole := strings.Join(slices.Concat([]string{f.Saw, f.Why, f.Do}, f.Run, f.Details), "\n")
		switch {
		case f.Check == x.check && !slices.ContainsFunc(x.texts, func(text string) bool { return !strings.Contains(whole, p.fill.Replace(text)) }):
			said = append(said, f)
			if f.Why == "" || f.Do == "" {
				wrong = append(wrong, fmt.Errorf("no why or do in %+v", f))
			}
			mend, err := p.remedy(bin, f)
			run, wrong = append(run, mend...), append(wrong, err)
		case !slices.Contains(x.also, f.Check):
			wrong = append(wrong, fmt.Errorf("beside the cause: %s: %s", f.Check, f.Saw))
		}
	}
	if len(said) == 0 || len(run) == 0 && !x.anew {
		wrong = append(wrong, fmt.Errorf("no finding of %s with %q and a command; the report:\n%s", x.check, x.texts, text(r)))
	}
	return run, said, errors.Join(wrong...)
}

// remedy is what a finding has one do: where it sends who is not root to root, what root is told.
func (p *patient) remedy(bin string, f doctor.Finding) (run []string, err error) {
	x := p.trap
	if x.anew && !strings.Contains(f.Do, "anew") {
		err = fmt.Errorf("nothing says that the service is to be started anew: %s", f.Do)
	}
	switch {
	case x.mend != nil:
		return x.mend(f), err
	case x.user && len(f.Run) == 0 && strings.Contains(f.Do, "as root, lateral doctor"):
		p.trap.user, p.trap.texts, p.trap.also = false, nil, []string{"security"} // for whom the files are another's
		defer func() { p.trap = x }()
		run, _, more := p.judge(bin, p.look(bin, ""))
		return run, errors.Join(err, more)
	}
	return f.Run, err
}

// plain is a finding with the numbers of this run replaced by some of the page's.
func (p *patient) plain(f doctor.Finding) string {
	text := printed(f)
	for _, r := range [][2]string{
		{p.h.Dir + "/", "/etc/lateral/"}, {p.h.Dir, "/etc/lateral"}, {p.h.Addr.String(), "10.77.0.11"},
		{p.h.Name, "oxgw11"}, {"oxgw01", "oxgw12"}, {fmt.Sprint(p.held) + "/hold", "3706/java"}, {"kill " + fmt.Sprint(p.held), "kill 3706"},
		{"(Docker)", "(Podman)"}, {fmt.Sprintf("10.77.0.2%02d", p.number), "10.77.0.211"},
	} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	if p.service != 0 {
		text = strings.ReplaceAll(text, fmt.Sprint(p.service), "3706")
	}
	text = offBys.ReplaceAllStringFunc(text, func(word string) string {
		d, err := time.ParseDuration(word[:strings.Index(word, " ")])
		must(p.t, err)
		return d.Round(100*time.Millisecond).String() + word[strings.Index(word, " "):]
	})
	text = helperAddr.ReplaceAllString(text, "10.77.0.12")
	text = nameServer.ReplaceAllString(text, "the name server 10.77.0.53:53 gives no answer")
	return fingerprints.ReplaceAllString(text, "fingerprint 6c471683")
}

var nameServer = regexp.MustCompile(`the name server \S+ gives no answer`)

var offBys = regexp.MustCompile(`\b[0-9.]+m?s (ahead of|behind)`)

var helperAddr = regexp.MustCompile(`\b10\.77\.0\.1\b`)

var fingerprints = regexp.MustCompile("fingerprint [0-9a-f]{8}")

// green wants nothing to be wrong, as soon as the kernel is done with what a
// command has put up, and neighbours on a busy machine have answered.
func (p *patient) green(bin, before string) {
	p.t.Helper()
	lab.Eventually(p.t, 20*time.Second, func() error {
		if r := p.look(bin, before); r.ExitCode != 0 {
			return fmt.Errorf("exit %d:\n%s", r.ExitCode, text(r))
		}
		return nil
	})
}

func text(r doctor.Report) string {
	var b strings.Builder
	r.Write(&b, false)
	return b.String()
}

// look runs the doctor on the host.
func (p *patient) look(bin, before string) (r doctor.Report) {
	p.t.Helper()
	args := " --config @DIR/groupware"
	if p.trap.runs || p.trap.name == "" {
		args = ""
	}
	if p.trap.user {
		p.shell(bin, "chown -R 65534:65534 .")
		before += " exec setpriv --reuid 65534 --regid 65534 --clear-groups"
	} else {
		before += " exec"
	}
	cmd := p.command(bin, before+" lateral doctor --json --timeout 6s --runtime-dir run "+p.trap.flags+args)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	exit := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(out, &r); err != nil || r.ExitCode != cmd.ProcessState.ExitCode() {
		p.t.Fatalf("exit %d, %v\n%s%s", cmd.ProcessState.ExitCode(), err, out, &errout)
	}
	return r
}

// shell runs a line on the host.
func (p *patient) shell(bin, line string) {
	p.t.Helper()
	if out, err := p.command(bin, line).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

func (p *patient) command(bin, line string) *exec.Cmd {
	cmd := p.h.Command("/bin/sh", "-c", strings.ReplaceAll(p.fill.Replace(line), "@PID", fmt.Sprint(p.held)))
	cmd.Env = p.env(bin)
	return cmd
}

func (p *patient) env(bin string) []string {
	own := filepath.Join(p.h.Dir, "bin")
	return append(os.Environ(), "PATH="+own+":"+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", "NO_COLOR=1",
		"LATERAL_RUNTIME_DIR="+filepath.Join(p.h.Dir, "run"), clockFile+"="+filepath.Join(p.h.Dir, "clock"))
}

// start starts the program, or with -c a shell.
func (p *patient) start(bin string, args ...string) *lab.Proc {
	p.t.Helper()
	name := filepath.Join(bin, "lateral")
	if args[0] == "-c" {
		name = "/bin/sh"
	}
	cmd := exec.Command(name, args...)
	cmd.Env = p.env(bin)
	proc, err := p.h.StartCmd(cmd)
	must(p.t, err)
	return proc
}

func (p *patient) write(name, text string) {
	p.t.Helper()
	must(p.t, os.WriteFile(filepath.Join(p.h.Dir, name), []byte(p.fill.Replace(text)), 0o600))
}

// binaries makes a directory in which this test binary has the names of the
// programs that it can be.
func binaries(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // for who is not root
	for _, name := range []string{"lateral", "hold"} {
		path := filepath.Join(dir, name)
		if os.Link(self, path) == nil { // the test's own directory is private
			continue
		}
		b, err := os.ReadFile(self)
		must(t, err)
		must(t, os.WriteFile(path, b, 0o755))
	}
	return dir
}
