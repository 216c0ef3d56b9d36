// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stat returns the name and the state of a process.
func stat(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b))
	return f[1] + f[2]
}

func TestPIDAndSignals(t *testing.T) {
	h := New(t, Options{Hosts: 1}).Hosts[0]
	p := h.Start("sleep", "1000")
	if s := stat(t, p.PID); !strings.HasPrefix(s, "(sleep)") {
		t.Errorf("pid %d is %s at its start", p.PID, s)
	}
	p.Stop()
	want(t, stat(t, p.PID), "(sleep)T")
	p.Cont()
	Eventually(t, soon, func() error {
		if s := stat(t, p.PID); s != "(sleep)S" {
			return errors.New(s)
		}
		return nil
	})
	if err := p.Wait(never); !errors.Is(err, ErrRunning) {
		t.Errorf("wait: %v", err)
	}
	p.Kill()
	var exit *exec.ExitError
	if err := p.Wait(soon); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("end: %v", err)
	}
	if err := unix.Kill(p.PID, 0); err != unix.ESRCH {
		t.Errorf("after Kill: %v", err)
	}
}

func TestOutput(t *testing.T) {
	h := New(t, Options{Hosts: 1}).Hosts[0]
	p := h.Start("sh", "-c", "echo out; echo err >&2; pwd; read x; exit 3")
	want(t, p.WaitLine("er", soon), "err")
	want(t, p.WaitLine("out", soon), "out")
	want(t, p.WaitLine("/", soon), h.Dir)
	var exit *exec.ExitError
	if err := p.Wait(soon); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("end: %v", err)
	}
	if n := len(p.Lines()); n != 3 {
		t.Errorf("lines: %q", p.Lines())
	}
	if _, err := h.StartCmd(exec.Command("/no/such/program")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("start of nothing: %v", err)
	}
}

func TestCommand(t *testing.T) {
	h := New(t, Options{Hosts: 1}).Hosts[0]
	out, err := h.Command("sh", "-c", "cat /proc/sys/kernel/hostname; pwd; grep -c oxgw01 /etc/hosts; ip -4 -br addr show eth0; echo $$").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(out), "\n")
	if got[0] != "oxgw01" || got[1] != h.Dir || got[2] != "2" || !strings.Contains(got[3], "10.77.0.1/24") {
		t.Errorf("%s", out)
	}
	cmd := h.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	Eventually(t, soon, func() error {
		if s := stat(t, cmd.Process.Pid); !strings.HasPrefix(s, "(sleep)") {
			return errors.New(s)
		}
		return nil
	})
	cmd.Process.Kill()
	cmd.Wait()
}

// Whatever the processes of a lab have started ends with it.
func TestNothingIsLeft(t *testing.T) {
	var pids []int
	t.Run("lab", func(t *testing.T) {
		h := New(t, Options{Hosts: 1}).Hosts[0]
		p := h.Start("sh", "-c", "sleep 1000 & echo child $!; wait")
		var child int
		fmt.Sscanf(p.WaitLine("child", soon), "child %d", &child)
		pids = append(pids, p.PID, child)
	})
	for _, pid := range pids {
		Eventually(t, soon, func() error { // an orphan is reaped by init when that comes to it
			if err := unix.Kill(pid, 0); err == unix.ESRCH || strings.HasSuffix(stat(t, pid), "Z") {
				return nil
			}
			return fmt.Errorf("pid %d is left", pid)
		})
	}
}

// A test binary that is killed has no time to clean up.
func TestNothingIsLeftOfAKilledTest(t *testing.T) {
	if os.Getenv("LAB_CHILD") != "" {
		h := New(t, Options{Hosts: 1}).Hosts[0]
		p := h.Start("sleep", "1000")
		fmt.Fprintf(os.Stdout, "started %d\n", p.PID)
		p.Wait(time.Minute)
		return
	}
	h := New(t, Options{Hosts: 1}).Hosts[0] // only for its Proc
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingIsLeftOfAKilledTest$")
	cmd.Env = append(os.Environ(), "LAB_CHILD=1", "TMPDIR="+t.TempDir())
	p, err := h.StartCmd(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	fmt.Sscanf(p.WaitLine("started", soon), "started %d", &pid)
	p.Kill()
	Eventually(t, soon, func() error {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return nil
		}
		return fmt.Errorf("pid %d is left", pid)
	})
}
