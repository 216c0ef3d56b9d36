// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"
	"syscall"
)

func privateNetwork() bool        { return false }
func alone() *syscall.SysProcAttr { return nil }
func child() *syscall.SysProcAttr { return nil }
func loopbackUp() error           { return nil }
func (e *engine) cut() error      { return errors.ErrUnsupported }
func (e *engine) heal() error     { return errors.ErrUnsupported }
