// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"log"
	"syscall"
)

func suspend(pid int) { signal(pid, syscall.SIGSTOP) }
func resume(pid int)  { signal(pid, syscall.SIGCONT) }

func signal(pid int, s syscall.Signal) {
	if err := syscall.Kill(pid, s); err != nil {
		log.Fatal(err)
	}
}
