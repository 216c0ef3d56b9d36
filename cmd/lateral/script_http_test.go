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
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// ask [wait] SERVICE STATUS METHOD PATH [BODY] asks a service over HTTP as a
// monitor does, and prints what it answers, which must have that status; with
// wait it asks until it has.
func askHTTP(ts *testscript.TestScript, neg bool, args []string) {
	var again <-chan time.Time
	if args[0] == "wait" {
		args = args[1:]
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		again = tick.C
	}
	for end := time.Now().Add(20 * time.Second); ; {
		status, body := askOnce(ts, args)
		if again != nil && status != args[1] && time.Now().Before(end) {
			<-again
			continue
		}
		fmt.Fprintf(ts.Stdout(), "%s", body)
		if status != args[1] {
			ts.Fatalf("%s %s: status %s, want %s\n%s", args[2], args[3], status, args[1], body)
		}
		return
	}
}

func askOnce(ts *testscript.TestScript, args []string) (status string, body []byte) {
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
	body, err = io.ReadAll(res.Body)
	ts.Check(err)
	return fmt.Sprint(res.StatusCode), body
}
