// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"bufio"
	"context"
	"net"
	"net/http"
)

type contextKey struct{}

// From returns the session of the request whose context this is. Without Wrap
// around the handler it panics: there is no session to be had.
func From(ctx context.Context) *Session {
	ses, ok := ctx.Value(contextKey{}).(*Session)
	if !ok {
		panic("httpsession: no session in this context: wrap the handler with Sessions.Wrap")
	}
	return ses
}

// Wrap hands each request its session, and writes what the handler changed
// before the answer begins. If that fails the answer is that of Config.Fail,
// and what the handler writes is dropped.
func (s *Sessions) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, token := s.cookieOf(r)
		ses, err := s.load(r.Context(), id, token)
		if err != nil {
			s.c.Fail(w, r, err)
			return
		}
		a := &answer{ResponseWriter: w, r: r, ses: ses}
		next.ServeHTTP(a, r.WithContext(context.WithValue(r.Context(), contextKey{}, ses)))
		a.begin()
	})
}

// An answer writes the session before its first byte.
type answer struct {
	http.ResponseWriter
	r      *http.Request
	ses    *Session
	begun  bool
	failed bool
}

// begin reports whether the handler's answer may go out.
func (a *answer) begin() bool {
	if a.begun {
		return !a.failed
	}
	a.begun = true
	changed, err := a.ses.commit(a.r.Context())
	switch {
	case err != nil:
		a.failed = true
		clear(a.Header()) // of an answer that is not given
		a.ses.s.c.Fail(a.ResponseWriter, a.r, err)
	case changed:
		a.ses.s.setCookie(a.ResponseWriter, a.ses.id, a.ses.token)
	}
	return !a.failed
}

func (a *answer) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols { // 100, 103: the answer is still to come
		a.ResponseWriter.WriteHeader(status)
	} else if a.begin() {
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.begin() {
		return len(p), nil
	}
	return a.ResponseWriter.Write(p)
}

// Flush sends what is written, for handlers that stream.
func (a *answer) Flush() {
	if a.begin() {
		http.NewResponseController(a.ResponseWriter).Flush()
	}
}

// Hijack hands the connection over, with the session written first.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !a.begin() {
		return nil, nil, http.ErrNotSupported
	}
	return http.NewResponseController(a.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController: deadlines and full duplex.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
