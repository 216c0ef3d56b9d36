// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestRun: who logged in at an instance that was killed is known to the other.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
	var out strings.Builder
	if err := run(&out, free(t), free(t)); err != nil {
		t.Fatal(err)
	}
	want := `/login?user=anna → one: welcome
/                → one: you are "anna"
one is killed
/                → two: you are "anna"
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// free finds a port that nobody has.
func free(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
