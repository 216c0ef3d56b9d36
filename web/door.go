// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"lateral/secret"
)

// An Entrance is a front's listener on TCP and whom it lets in.
type Entrance struct {
	// Door judges bearer tokens; nil lets everybody do everything, which is for
	// loopback.
	Door *secret.Door
	TLS  *tls.Config // nil: none
}

// ServeTCP is Serve for a TCP listener with an entrance. What is for the socket
// alone is not served.
func (f *Front) ServeTCP(ctx context.Context, ln net.Listener, e Entrance, log *slog.Logger) error {
	ln = net.Listener(limit(ln, maxConns, maxConnsOfOne))
	if e.TLS != nil {
		ln = tls.NewListener(ln, e.TLS)
	}
	return f.serve(ctx, ln, f.entered(e.Door), log)
}

// entered is the front behind a door.
func (f *Front) entered(d *secret.Door) http.Handler {
	h := f.routes()
	if d == nil {
		return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			letIn(r)
			h.ServeHTTP(w, r)
		}), func(*http.Request) bool { return true })
	}
	return guard(judged(d, h), func(*http.Request) bool { return false })
}

// judged lets in who has a token, as far as it goes.
func judged(d *secret.Door, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open(r) {
			h.ServeHTTP(w, r)
			return
		}
		word, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer || word == "" { // no guess: a browser asks before it has one
			turnAway(w, http.StatusUnauthorized, "no token", "")
			return
		}
		rights, err := d.Enter(r.RemoteAddr, word)
		if err == nil {
			letIn(r)
		}
		switch {
		case errors.Is(err, secret.ErrGuesses):
			w.Header().Set("Retry-After", "60")
			turnAway(w, http.StatusTooManyRequests, err.Error(), "; the right one is looked at again in a minute")
		case err != nil:
			turnAway(w, http.StatusUnauthorized, "a token that is none of this service's", "")
		case rights == secret.Reads && r.Method != http.MethodGet && r.Method != http.MethodHead:
			refuse(w, &Failure{Status: http.StatusForbidden, Code: "read_only", Saw: r.Method + " with a token for reading",
				Why: "it may look and change nothing", Do: "use the token of --http-token-file"})
		default:
			if rights == secret.Reads {
				r.Header.Set(readOnlyHeader, "true")
			}
			h.ServeHTTP(w, r)
		}
	})
}

// open reports whether a request needs no token: whether the process lives, and
// the page with which a browser asks for a token. Neither tells anything.
func open(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	return r.URL.Path == "/healthz" || r.URL.Path == "/" || r.URL.Path == "/dashboard/" || pageNames[r.URL.Path]
}

// turnAway answers who has no right token, and ends the connection, which is
// worth something to who wants to hold many.
func turnAway(w http.ResponseWriter, status int, saw, more string) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.Header().Set("Connection", "close")
	refuse(w, &Failure{Status: status, Code: "no_entry", Saw: saw + more, Why: "this front lets in who knows its token",
		Do: "send it as Authorization: Bearer TOKEN; it is in the file of --http-token-file or --http-read-token-file"})
}
