// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package doctor

import "net"

func diskAt(string) (disk, error) { return disk{}, errNoDisk }

func segmentOf(*net.TCPConn) int { return 0 }
