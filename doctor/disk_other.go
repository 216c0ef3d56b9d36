// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package doctor

func diskAt(string) (disk, error) { return disk{}, errNoDisk }
