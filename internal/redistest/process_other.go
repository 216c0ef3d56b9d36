// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package redistest

import "syscall"

func attr() *syscall.SysProcAttr { return nil }
