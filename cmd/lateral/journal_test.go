// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// TestRanked: each record is one line behind its priority, whoever else writes;
// that the journal reads it so is what packaging TestSystemd sees.
func TestRanked(t *testing.T) {
	var b strings.Builder
	out := &prefixed{Writer: &b}
	log := slog.New(ranked{slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}), out})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { log.With("a", 1).Error("level=ERROR") })
		all.Go(func() { log.WithGroup("g").Warn("level=WARN") })
		all.Go(func() { log.Info("level=INFO") })
		all.Go(func() { log.Debug("level=DEBUG") })
	}
	all.Wait()
	n := 0
	for line := range strings.Lines(b.String()) {
		n++
		level := map[string]string{"<3>": "ERROR", "<4>": "WARN", "<6>": "INFO", "<7>": "DEBUG"}[line[:3]]
		if level == "" || strings.Count(line, "level="+level) != 2 || !strings.HasPrefix(line[3:], "time=") {
			t.Errorf("%q", line)
		}
	}
	if n != 200 {
		t.Errorf("%d lines", n)
	}
}
