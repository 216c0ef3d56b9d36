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
		shown := r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/dashboard/")
		if !localName(r.Host) || !shown || r.Method != http.MethodGet {
			refuse(w, &Failure{Status: http.StatusForbidden, Code: "read_only", Saw: fmt.Sprintf("%s %.100s at host %.100s", r.Method, r.URL.Path, r.Host),
				Why: "only the dashboard is shown here", Do: "use the command line for all else"})
			return
		}
		p.ServeHTTP(w, r)
	})
}
