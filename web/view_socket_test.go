// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestViewSocket: by the socket of the dashboard it can be looked at, and
// nothing changed, nor anything else be had; it is no service to be found.
func TestViewSocket(t *testing.T) {
	f := newNode().front()
	f.Dashboard = &Dashboard{Look: func(context.Context) View { return View{} }, Writes: func(*http.Request) bool { return true }}
	dir, err := os.MkdirTemp("", "v") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(t.Context())
	var lns [2]net.Listener
	for i := range lns { // the second takes the place of one whose process was killed
		if lns[i], err = ListenView(dir, "web"); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "web.view")
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatal(st, err)
	}
	ended := make(chan error)
	go func() { ended <- f.ServeView(ctx, lns[1], slog.New(slog.DiscardHandler)) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	for _, c := range []struct {
		method, url string
		want        int
	}{
		{"GET", "http://localhost/dashboard/", 200}, {"GET", "http://127.0.0.1:8080/dashboard/", 200}, {"GET", "http://evil.example/dashboard/", 403},
		{"POST", "http://localhost/dashboard/act", 403}, {"GET", "http://localhost/v1/status", 403}, {"PUT", "http://localhost/v1/regions/r/elements/k", 403},
		{"GET", "http://localhost/dashboard/events", 200}, {"PUT", "http://localhost/debug/loglevel", 403},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(`{"do":"clear","region":"r"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(actionHeader, "yes")
		r.Header.Set("Content-Type", "application/json")
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.url, resp.StatusCode, c.want)
		}
		if strings.HasSuffix(c.url, "events") {
			for s := bufio.NewScanner(resp.Body); s.Scan(); {
				if data, ok := strings.CutPrefix(s.Text(), "data: "); ok {
					if !strings.Contains(data, `"writes":false`) {
						t.Errorf("it is told %s", data)
					}
					break
				}
			}
		}
		resp.Body.Close()
	}
	if found, err := Discover(dir); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	transport.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is still there")
	}
	lns[0].Close()
}
