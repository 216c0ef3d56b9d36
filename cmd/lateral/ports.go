// SPDX-License-Identifier: Apache-2.0

package main

type portsCmd struct{}

func (*portsCmd) Run() error { return nil }
