// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lateral/web"
)

// answering is a service that holds nothing, whatever it was told: it calls each
// for every request.
func answering(t *testing.T, name string, each func()) *web.Client {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		each()
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"error":{"code":"miss"}}`)
			return
		}
		io.WriteString(w, `{"stamp":"-"}`)
	})}
	done := make(chan struct{})
	go func() { s.Serve(l); close(done) }()
	c := web.NewClient(name, path)
	t.Cleanup(func() { c.Close(); s.Close(); <-done })
	return c
}

// Ctrl-C gives what was measured so far, and says that it is not all.
func TestBenchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	writer := answering(t, "w", func() {
		if asked.Add(1) == 50 {
			cancel()
		}
	})
	b := &bench{benchCmd: &benchCmd{Duration: time.Hour, Size: 40, Keys: 10, Writers: 2, Rate: 1}, p: &progress{screen: &screen{Writer: io.Discard}},
		cluster: &benchCluster{region: "R", mode: "replicate", prefix: "b:", members: []*web.Client{writer, writer}}}
	b.report = benchReport{OK: true, Services: []string{"w", "w"}}
	if err := b.all(ctx); err != nil {
		t.Fatal(err)
	}
	r := &b.report
	if !r.Interrupted || r.OK || r.Throughput == nil || r.Throughput.Puts < 48 || r.Propagation != nil {
		t.Fatalf("%+v %+v", r, r.Throughput)
	}
	var text strings.Builder
	(&screen{Writer: &text}).bench(r)
	for _, want := range []string{"puts returned", "left out: what follows throughput, and the rest of it: interrupted"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "lost that must not") {
		t.Errorf("nothing was lost:\n%s", text.String())
	}
}

// A service that refuses ends the part at once, whatever time is left for it.
func TestBenchRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nobody")
	b := &bench{benchCmd: &benchCmd{Duration: time.Hour, Size: 40, Keys: 10, Writers: 2, Rate: 1}, p: &progress{screen: &screen{Writer: io.Discard}},
		cluster: &benchCluster{region: "R", mode: "replicate", members: []*web.Client{web.NewClient("gone", path)}}}
	if err := b.all(t.Context()); err == nil || !strings.Contains(err.Error(), "throughput: ") {
		t.Errorf("error %v", err)
	}
}

// What is lost is counted, shown and no success.
func TestBenchLost(t *testing.T) {
	deaf := answering(t, "deaf", func() {})
	b := &bench{benchCmd: &benchCmd{}, p: &progress{screen: &screen{Writer: io.Discard}},
		cluster: &benchCluster{region: "R", mode: "replicate", members: []*web.Client{deaf, deaf}}}
	run := &throughputRun{}
	if err := b.compare(t.Context(), run, []map[string]string{{"a": "1", "b": "2"}, {"c": "3"}}); err != nil || run.Lost != 3 || run.Keys != 3 {
		t.Errorf("%+v, error %v; want 3 of 3 lost", run, err)
	}
	if ok, err := b.cluster.survives(t.Context(), "a", "1"); ok || err != nil {
		t.Errorf("what nobody holds survives: %v, error %v", ok, err)
	}
	b.report = benchReport{Services: []string{"x", "y"}, Throughput: &throughputRun{Keys: 3, Lost: 2},
		Failover: []failoverRun{{Acks: "1", Acknowledged: 7, Lost: 1, Must: true}}}
	var text strings.Builder
	(&screen{Writer: &text}).bench(&b.report)
	for _, want := range []string{"2 of 3", "1 of 7 acknowledged puts lost", "something was lost that must not be"} {
		if !strings.Contains(text.String(), want) || want != "something was lost that must not be" && !strings.Contains(b.report.page(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
