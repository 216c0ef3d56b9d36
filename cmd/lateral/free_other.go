// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin

package main

func freeBytes(string) (n uint64, known bool) { return 0, false }
