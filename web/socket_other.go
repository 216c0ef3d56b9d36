// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package web

import (
	"errors"
	"io/fs"
	"net"
)

func isDead(err error) bool {
	op := (*net.OpError)(nil)
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &op) && !op.Timeout()
}

func lockDir(string) (func(), error) { return func() {}, nil }
func ownedByUs(fs.FileInfo) bool     { return true }
