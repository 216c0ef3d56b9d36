// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
)

// Showcase shows the dashboard of the service behind a socket, and nothing
// else of it, to whoever asks for it by a name of this machine. Nothing can be
// changed through it.
func Showcase(socket string, log *slog.Logger) http.Handler {
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "lateral", "lateral"
			r.Out.Header.Set(readOnlyHeader, "true")
		},
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}, DisableKeepAlives: true}, // nobody closes idle ones
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			refuse(w, &Failure{Status: http.StatusBadGateway, Code: "gone", Saw: fmt.Sprintf("the service does not answer: %v", err),
				Why: "what is shown comes from it", Do: "see whether it runs: lateral mesh"})
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if shows(w, r) {
			p.ServeHTTP(w, r)
		}
	})
}

// shows refuses all but looking at the dashboard, by a name of this machine.
func shows(w http.ResponseWriter, r *http.Request) bool {
	shown := r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/dashboard/")
	if localName(r.Host) && shown && r.Method == http.MethodGet {
		return true
	}
	refuse(w, &Failure{Status: http.StatusForbidden, Code: "read_only", Saw: fmt.Sprintf("%s %.100s at host %.100s", r.Method, r.URL.Path, r.Host),
		Why: "only the dashboard is shown here", Do: "use the command line for all else"})
	return false
}

// ServeView serves the dashboard, of which nothing can be changed, and nothing
// else on a listener until ctx ends or the listener fails, and closes it. It is
// for the socket of ListenView.
func (f *Front) ServeView(ctx context.Context, ln net.Listener, log *slog.Logger) error {
	h := f.Handler()
	return f.serve(ctx, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if shows(w, r) {
			r.Header.Set(readOnlyHeader, "true")
			h.ServeHTTP(w, r)
		}
	}), log)
}
