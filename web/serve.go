// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"lateral/cache"
)

// Limits of what is read; see the package comment.
const (
	maxHeader  = 256 << 10              // bytes: a key of 64 KiB may be escaped threefold
	maxBody    = cache.MaxValue         // bytes: a value
	maxAct     = 6*cache.MaxKey + 4<<10 // bytes of an action of the dashboard: JSON writes a byte of a key as six at most
	maxLevel   = 16                     // bytes of the name of a log level
	maxRefusal = 64 << 10               // bytes of a failure, as a client reads it
)

// Times of a connection.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = time.Minute
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 2 * time.Second // for requests that are under way when it ends
)

// Serve answers on a listener until ctx ends or the listener fails, and closes
// it. Requests under way are finished, for at most two seconds. A unix socket,
// whom the system lets in being the user or root, serves Admin, any other
// listener Handler.
func (f *Front) Serve(ctx context.Context, ln net.Listener, log *slog.Logger) error {
	handler := f.Handler()
	if ln.Addr().Network() == "unix" {
		handler = f.Admin()
	}
	return f.serve(ctx, ln, handler, log)
}

func (f *Front) serve(ctx context.Context, ln net.Listener, handler http.Handler, log *slog.Logger) error {
	if log == nil {
		log = slog.Default()
	}
	s := &http.Server{Handler: handler, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: readTimeout, IdleTimeout: idleTimeout, BaseContext: func(net.Listener) context.Context { return withEnd(ctx) }, ConnContext: withConn,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if s.Shutdown(drain) != nil {
		s.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
