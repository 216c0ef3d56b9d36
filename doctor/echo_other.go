// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package doctor

import (
	"context"
	"errors"
	"net/netip"
)

func echoes(context.Context, netip.Addr, []int) ([]int, error) { return nil, errors.ErrUnsupported }
