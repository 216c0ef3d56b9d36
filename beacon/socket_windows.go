// SPDX-License-Identifier: Apache-2.0

package beacon

import "golang.org/x/sys/windows"

// shareOptions lets other services bind the port too.
func shareOptions(fd int, _ bool) error {
	return windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, windows.SO_REUSEADDR, 1)
}
