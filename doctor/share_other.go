// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
)

// bindShared is known on Unix systems only.
func bindShared(netip.AddrPort) error {
	return fmt.Errorf("not on this system (%s): %w", runtime.GOOS, errors.ErrUnsupported)
}
