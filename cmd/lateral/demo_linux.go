// SPDX-License-Identifier: Apache-2.0

package main

import "syscall"

// childAttr has the kernel kill a child when the demo dies, however it dies;
// Ctrl-C reaches the demo alone, which then says goodbye for all.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
