// SPDX-License-Identifier: Apache-2.0

package main

type configCmd struct{}

func (*configCmd) Run() error { return nil }
