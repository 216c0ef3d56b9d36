// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
)

// Admin returns Handler with what is for those alone who may run the service:
// its profiles, which show what is in memory, how much it logs, and which
// members it is to forget.
func (f *Front) Admin() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	if f.Level != nil {
		m.HandleFunc("GET /v1/loglevel", f.level)
		m.HandleFunc("PUT /v1/loglevel", f.setLevel)
	}
	if f.Members != nil {
		m.HandleFunc("GET /v1/silent", f.silent)
		m.HandleFunc("POST /v1/forget", f.forget)
	}
	m.Handle("/", f.routes())
	return guard(m, overSocket)
}

// A Level is how much a service logs. Its methods may be called by many
// goroutines at once.
type Level interface {
	Level() slog.Level
	Set(slog.Level)
}

// LogLevel is a Level as JSON: debug, info, warn or error.
type LogLevel struct {
	Level string `json:"level"`
	Was   string `json:"was,omitempty"` // before it was changed
}

func levelText(l slog.Level) string { return strings.ToLower(l.String()) }

func (f *Front) level(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, LogLevel{Level: levelText(f.Level.Level())})
}

// setLevel takes one word.
func (f *Front) setLevel(w http.ResponseWriter, r *http.Request) {
	word, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLevel))
	var l slog.Level
	if err != nil || l.UnmarshalText([]byte(strings.TrimSpace(string(word)))) != nil {
		fail(w, fmt.Errorf("%w: log level %.20q is none of debug, info, warn, error", ErrRequest, word))
		return
	}
	was := f.Level.Level()
	f.Level.Set(l)
	answer(w, http.StatusOK, LogLevel{levelText(l), levelText(was)})
}

// LogLevel asks how much the service logs.
func (c *Client) LogLevel(ctx context.Context) (l LogLevel, err error) {
	return l, c.ask(ctx, http.MethodGet, "/v1/loglevel", nil, &l)
}

// SetLogLevel has the service log more or less: debug, info, warn, error.
func (c *Client) SetLogLevel(ctx context.Context, level string) (l LogLevel, err error) {
	return l, c.ask(ctx, http.MethodPut, "/v1/loglevel", strings.NewReader(level), &l)
}
