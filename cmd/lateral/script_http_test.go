// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// ask SERVICE STATUS METHOD PATH [BODY] asks a service over HTTP as a monitor
// does, and prints what it answers, which must have that status.
func askHTTP(ts *testscript.TestScript, neg bool, args []string) {
	socket := filepath.Join(ts.Getenv("LATERAL_RUNTIME_DIR"), args[0]+".sock")
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	defer t.CloseIdleConnections()
	req, err := http.NewRequest(args[2], "http://lateral"+args[3], strings.NewReader(strings.Join(args[4:], " ")))
	ts.Check(err)
	res, err := t.RoundTrip(req)
	ts.Check(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", b)
	if got := fmt.Sprint(res.StatusCode); got != args[1] {
		ts.Fatalf("%s %s: status %s, want %s\n%s", args[2], args[3], got, args[1], b)
	}
}
