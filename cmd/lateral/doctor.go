// SPDX-License-Identifier: Apache-2.0

package main

type doctorCmd struct{}

func (*doctorCmd) Run() error { return nil }
