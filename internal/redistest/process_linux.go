// SPDX-License-Identifier: Apache-2.0

package redistest

import "syscall"

// attr has a server end with the test's process, however that ends.
func attr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
