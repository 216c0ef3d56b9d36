// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// privateNetwork reports whether processes can have a network of their own.
func privateNetwork() bool {
	if os.Geteuid() != 0 {
		return false
	}
	_, err := exec.LookPath("ip")
	return err == nil
}

// alone is a process in a network namespace with nothing but lo, which ends with
// the one that started it.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
}

// child ends with the thread that started it.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

func loopbackUp() error { return tool("ip", "link", "set", "lo", "up") }

// cut drops silently what passes between A and B: all that is on lo, as they talk
// to each other alone; of redis what passes between B and the server.
func (e *engine) cut() error  { return e.rules("-A") }
func (e *engine) heal() error { return e.rules("-D") }

func (e *engine) rules(how string) error {
	if !e.redis {
		return tool("iptables", "-w", how, "INPUT", "-i", "lo", "-j", "DROP")
	}
	for _, end := range []string{"-s", "-d"} {
		if err := tool("iptables", "-w", how, "INPUT", "-i", "lo", end, redisForB, "-j", "DROP"); err != nil {
			return err
		}
	}
	return nil
}

func tool(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}
