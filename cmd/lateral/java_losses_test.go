// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// TestLosses: what did not pass is told by cause, the most frequent first and
// not without end, with what it means; and in a line where links are shown.
func TestLosses(t *testing.T) {
	now := time.Unix(1e9, 0)
	e := cache.EndpointStatus{Endpoint: "LTCP", Relayed: []cache.Relayed{{From: "jcs-1.3", To: "jcs-3", Changes: 12}, {From: "jcs-3", To: "jcs-1.3", Changes: 3}},
		JavaLosses: []cache.JavaLoss{{Kind: cache.LossUntold, To: "jcs-3", Region: "User", Why: "a key that is not UTF-8", Count: 4, Key: "k\x1b[2J", Last: now.Add(-time.Minute)}}}
	for i := range 25 {
		e.JavaLosses = append(e.JavaLosses, cache.JavaLoss{Kind: cache.LossClass, From: "jcs-1.3", To: "jcs-3", Region: "User", Class: fmt.Sprint("com.example.C", i), Why: "only who has this class can read it", Count: 3, Key: "k", Last: now})
	}
	var b bytes.Buffer
	onto(&b, false).losses(&e, now)
	out := b.String()
	for _, want := range []string{
		"    bridge: changes passed on: jcs-1.3 → jcs-3 12, jcs-3 → jcs-1.3 3\n",
		"untold  lateral → jcs-3  User        4  -                a key that is not UTF-8              k�[2J     1m0s ago\n",
		"class   jcs-1.3 → jcs-3  User        3  com.example.C0   only who has this class can read it  k         0s ago\n",
		"      and 5 more: --json\n", "      not told: ", "      class: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "not taken") || strings.Contains(out, "C20") {
		t.Error(out)
	}
	notes := lossNotes(&cache.Status{Host: "h", Service: "s"}, &e)
	want := []string{"h/s LTCP: 4 changes that Java nodes could not be told, most of them lateral → jcs-3 (a key that is not UTF-8): lateral stats --service s",
		"h/s LTCP: 75 values passed on with a class of the application's own, most of them jcs-1.3 → jcs-3 (com.example.C0, only who has this class can read it): lateral stats --service s"}
	if fmt.Sprint(notes) != fmt.Sprint(want) {
		t.Errorf("%q", notes)
	}
	b.Reset()
	if onto(&b, false).losses(&cache.EndpointStatus{}, now); b.Len() > 0 {
		t.Error(b.String())
	}
}
