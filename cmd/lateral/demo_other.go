// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "syscall"

// childAttr: without Linux's parent death signal, children of a demo that is
// killed with kill -9 go on.
func childAttr() *syscall.SysProcAttr { return nil }
