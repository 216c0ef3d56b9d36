// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"
)

// errHere is what every question gets that only Linux can answer.
var errHere = fmt.Errorf("not on this system (%s), only on Linux: %w", runtime.GOOS, errors.ErrUnsupported)

func system() (procfs, error) { return "", errHere }

// FileLimit is known on Linux only.
func FileLimit() (soft, hard uint64, err error) {
	return 0, 0, fmt.Errorf("host: file limit: %w", errHere)
}

// RouteTo is known on Linux only.
func RouteTo(group netip.Addr) (Route, error) {
	return Route{}, fmt.Errorf("host: route to %s: %w", group, errHere)
}

// RouteVia is known on Linux only.
func RouteVia(group netip.Addr, dev string) (Route, error) {
	return Route{}, fmt.Errorf("host: route to %s dev %s: %w", group, dev, errHere)
}

// Watch works on Linux only.
func Watch(context.Context, func()) error { return fmt.Errorf("host: watch: %w", errHere) }

// PacketOf is known on Linux only.
func PacketOf(*net.TCPConn) (int, error) { return 0, fmt.Errorf("host: packets: %w", errHere) }

// Delivered is known on Linux only.
func Delivered(context.Context, *net.TCPConn, string, []int, time.Duration) (int, error) {
	return 0, fmt.Errorf("host: packets: %w", errHere)
}

// FileLimitOf is known on Linux only.
func FileLimitOf(pid int) (hard uint64, err error) {
	return 0, fmt.Errorf("host: file limit of pid %d: %w", pid, errHere)
}
