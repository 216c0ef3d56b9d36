// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"lateral/cache"
)

// asked sends a request to a handler.
func asked(h http.Handler, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	b, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(b)
}

// TestHealth: alive is who answers, whatever its node says.
func TestHealth(t *testing.T) {
	f := &Front{Status: func() cache.Status { panic("nobody asks the node") }}
	if code, body := asked(f.Handler(), "GET", "/healthz", ""); code != 200 || body != "{\"alive\":true}\n" {
		t.Errorf("%d %s", code, body)
	}
}

// TestReadyReasons: each reason has a name, and says of what.
func TestReadyReasons(t *testing.T) {
	st := cache.Status{Stopping: true, Regions: []cache.RegionStatus{{Region: "User", Ready: true}, {Region: "SessionCache", Unready: "filled by 2 peers"}}}
	f := &Front{Status: func() cache.Status { return st }}
	more := cache.Reason{Name: cache.ReasonMesh, Why: "1 of 4 nodes are known"}
	want := []cache.Reason{{Name: "stopping", Why: "it stops and hands its sessions over"}, {Name: "region", Region: "SessionCache", Why: "filled by 2 peers"}}
	for _, asks := range []func(*cache.Status) []cache.Reason{nil, func(st *cache.Status) []cache.Reason { return append(st.Reasons(), more) }} {
		if f.Reasons = asks; asks != nil {
			want = append(want, more)
		}
		code, body := asked(f.Handler(), "GET", "/readyz", "")
		var got Ready
		if err := json.Unmarshal([]byte(body), &got); err != nil || code != 503 || got.Ready || !reflect.DeepEqual(got.Reasons, want) || got.Error.Code != "not_ready" {
			t.Errorf("%d %s %v", code, body, err)
		}
		for _, r := range want {
			if !strings.Contains(got.Error.Saw, r.String()) {
				t.Errorf("%q lacks %q", got.Error.Saw, r)
			}
		}
	}
	st, f.Reasons = cache.Status{}, nil
	if code, body := asked(f.Handler(), "GET", "/readyz", ""); code != 200 || body != "{\"ready\":true}\n" {
		t.Errorf("%d %s", code, body)
	}
}

// TestLogLevel changes it, and refuses what is none.
func TestLogLevel(t *testing.T) {
	n, level := newNode(), new(slog.LevelVar)
	h := (&Front{Do: n.do, Level: level}).Admin()
	foreign := httptest.NewRequest("PUT", "/v1/loglevel", strings.NewReader("debug"))
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, foreign); w.Code != 403 {
		t.Errorf("a page of another site: %d", w.Code)
	}
	for _, c := range []struct {
		method, body string
		code         int
		answer       string
		is           slog.Level
	}{
		{"GET", "", 200, `{"level":"info"}`, slog.LevelInfo},
		{"PUT", "debug\n", 200, `{"level":"debug","was":"info"}`, slog.LevelDebug},
		{"PUT", "loud", 400, `none of debug, info, warn, error`, slog.LevelDebug},
		{"PUT", strings.Repeat("x", 1<<20), 400, `none of debug, info, warn, error`, slog.LevelDebug},
		{"PUT", "ERROR", 200, `"error"`, slog.LevelError},
		{"DELETE", "", 400, "nothing is at", slog.LevelError},
	} {
		code, body := asked(h, c.method, "/v1/loglevel", c.body)
		if code != c.code || !strings.Contains(body, c.answer) || level.Level() != c.is {
			t.Errorf("%s %.20q: %d %s %v", c.method, c.body, code, body, level)
		}
	}
}

// TestAdminOnly: whoever comes by network sees no profile and changes no log.
func TestAdminOnly(t *testing.T) {
	n := newNode()
	f := &Front{Do: n.do, Level: new(slog.LevelVar), Members: nobody{}, Metrics: http.NotFoundHandler()}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/v1/loglevel", "/v1/silent"} {
		if code, body := asked(f.Admin(), "GET", path, ""); code != 200 {
			t.Errorf("%s for those who run it: %d %.100s", path, code, body)
		}
		if code, body := asked(f.Handler(), "GET", path, ""); code != 400 {
			t.Errorf("%s for everybody: %d %.100s", path, code, body)
		}
	}
}

// nobody is silent.
type nobody struct{}

func (nobody) Silent() []cache.SilentMember { return []cache.SilentMember{} }

func (nobody) Forget(name string) ([]cache.SilentMember, error) {
	return nil, fmt.Errorf("%w %q", cache.ErrNoMember, name)
}

// TestForgetByHTTP: only those who run the service may vouch that a member has
// ended, and what is no name of one is refused.
func TestForgetByHTTP(t *testing.T) {
	n := newNode()
	f := &Front{Do: n.do, Members: nobody{}}
	if code, _ := asked(f.Handler(), "POST", "/v1/forget", "h/s"); code != 400 {
		t.Errorf("for everybody: %d", code)
	}
	if code, body := asked(f.Admin(), "POST", "/v1/forget", "h/s"); code != 404 || !strings.Contains(body, "no_member") {
		t.Errorf("nobody: %d %s", code, body)
	}
	if code, body := asked(f.Admin(), "POST", "/v1/forget", strings.Repeat("x", longestMember+1)); code != 400 || !strings.Contains(body, "767 bytes") {
		t.Errorf("too long: %d %s", code, body)
	}
}

// TestServeChooses: over TCP Serve serves no Admin.
func TestServeChooses(t *testing.T) {
	n := newNode()
	f := &Front{Do: n.do, Level: new(slog.LevelVar)}
	for _, network := range []string{"tcp", "unix"} {
		addr := "127.0.0.1:0"
		if network == "unix" {
			addr = t.TempDir() + "/s"
		}
		ln, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Serve(ctx, ln, nil) }()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial(network, ln.Addr().String())
		}}
		res, err := (&http.Client{Transport: transport}).Get("http://lateral/debug/pprof/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if want := map[string]int{"tcp": 400, "unix": 200}[network]; res.StatusCode != want {
			t.Errorf("%s: %d, want %d", network, res.StatusCode, want)
		}
		transport.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
