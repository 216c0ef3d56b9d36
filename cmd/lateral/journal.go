// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/coreos/go-systemd/v22/journal"
)

// inJournal reports whether standard error is read by systemd's journal, which
// takes one line for one message, and a number before it for its priority.
func inJournal() bool {
	is, err := journal.StderrIsJournalStream()
	return err == nil && is
}

// priority is that of sd-daemon(3), as a prefix.
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}

// A ranked handler writes the priority of each record before it, so that
// journalctl -p warning finds what it is for. The journal removes it.
type ranked struct {
	slog.Handler
	out *prefixed
}

// prefixed is what the handler in a ranked one writes to: a record is one Write.
type prefixed struct {
	io.Writer
	mu     sync.Mutex // held while a record is written
	prefix string
}

func (p *prefixed) Write(b []byte) (int, error) {
	n, err := p.Writer.Write(append([]byte(p.prefix), b...))
	return max(n-len(p.prefix), 0), err
}

func (r ranked) Handle(ctx context.Context, rec slog.Record) error {
	r.out.mu.Lock()
	defer r.out.mu.Unlock()
	r.out.prefix = priority(rec.Level)
	return r.Handler.Handle(ctx, rec)
}

func (r ranked) WithAttrs(a []slog.Attr) slog.Handler {
	return ranked{r.Handler.WithAttrs(a), r.out}
}
func (r ranked) WithGroup(n string) slog.Handler { return ranked{r.Handler.WithGroup(n), r.out} }

// watched is how long systemd waits for a sign of life before it restarts the
// service (WatchdogSec=); 0 is for ever, or that systemd is not there.
func watched() time.Duration {
	d, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0 // what is said there is no time: nobody can be waiting
	}
	return d
}
