// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what a person sees and types, and what a
// program is given.
func terminal(t *testing.T, columns, rows uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// launch prepares the program itself, which this test binary is under that name.
func launch(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args, cmd.Dir = append([]string{"lateral"}, args...), dir
	cmd.Env = append(os.Environ(), "LATERAL_RUNTIME_DIR="+filepath.Join(dir, "run"), "NO_COLOR=1", "TERM=xterm", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// TestTopOnTerminal: keys count at once, there are no colours where NO_COLOR is
// set, and the terminal is left as it was found.
func TestTopOnTerminal(t *testing.T) {
	dir, err := os.MkdirTemp("", "lt") // its sockets have short paths
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "local.ccf"), []byte("jcs.default=\njcs.region.Alone=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := launch(t, dir, "run", "--service", "one", "--config", "local.ccf", "--log-level", "error")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { run.Process.Signal(syscall.SIGTERM); run.Wait() }()
	if out, err := launch(t, dir, "mesh", "--wait", "20s").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	person, program := terminal(t, 90, 20)
	before, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	top := launch(t, dir, "top", "--interval", "50ms")
	top.Stdin, top.Stdout, top.Stderr = program, program, program
	if err := top.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(20*time.Second, func() { top.Process.Kill(); person.Close() })
	defer guard.Stop()
	var seen, all strings.Builder
	until := func(text string) {
		t.Helper()
		for b := make([]byte, 4096); !strings.Contains(seen.String(), text); {
			n, err := person.Read(b)
			if err != nil {
				t.Fatalf("%v; no %q in %q", err, text, seen.String())
			}
			seen.Write(b[:n])
			all.Write(b[:n])
		}
	}
	until("▾gets/s")
	until("Alone")
	seen.Reset()
	until("Alone") // again
	fmt.Fprint(person, "e")
	until("▾elements")
	fmt.Fprint(person, "q")
	until(leave)
	if err := top.Wait(); err != nil {
		t.Error(err)
	}
	after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
	}
	if strings.Contains(all.String(), "\x1b[3") || strings.Contains(all.String(), "received/s") {
		t.Errorf("colours, or more columns than there is room for: %q", all.String())
	}
}

// TestColoursOnTerminal: there are some, unless it can't or somebody does not want them.
func TestColoursOnTerminal(t *testing.T) {
	_, program := terminal(t, 90, 20)
	for _, x := range []struct {
		no, term string
		want     bool
	}{{"", "xterm", true}, {"1", "xterm", false}, {"0", "xterm", false}, {"", "dumb", false}} {
		t.Setenv("NO_COLOR", x.no)
		t.Setenv("TERM", x.term)
		if s := newScreen(program); s.colours != x.want || !s.terminal || s.width != 90 {
			t.Errorf("NO_COLOR=%s TERM=%s: %+v", x.no, x.term, s)
		}
	}
}
