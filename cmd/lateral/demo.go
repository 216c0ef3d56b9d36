// SPDX-License-Identifier: Apache-2.0

package main

type demoCmd struct{}

func (*demoCmd) Run() error { return nil }
