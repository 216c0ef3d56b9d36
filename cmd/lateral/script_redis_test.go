// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lateral/internal/lab"
)

// redis NAME starts a redis-server on a free port of loopback; $NAME is its port. It ends
// with the script.
func redisServer(ts *testscript.TestScript, neg bool, args []string) {
	release, n, err := lab.Reserve(0)
	ts.Check(err)
	ts.Defer(release)
	port := strconv.Itoa(n)
	cmd := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", ts.MkAbs("."))
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill(); cmd.Wait() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			break
		} else if time.Now().After(end) {
			ts.Fatalf("redis-server does not listen: %v", err)
		}
	}
	ts.Setenv(args[0], port)
}
