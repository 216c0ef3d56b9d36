// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"lateral/web"
)

// demoAddr is where the dashboard of a demo is, if nobody else is there.
const demoAddr = "127.0.0.1:57480"

// dashboard shows the dashboard of the first service, which the demo never
// kills, to browsers of this machine.
func (d *demo) dashboard() (url string, stop func(), err error) {
	ln, err := net.Listen("tcp", demoAddr)
	if err != nil {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", nil, err
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s := &http.Server{Handler: web.Showcase(d.procs[0].socket(), log), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ended := make(chan struct{})
	go func() { defer close(ended); s.Serve(ln) }()
	return "http://" + ln.Addr().String() + "/", func() { s.Close(); <-ended }, nil
}
