// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"

	"lateral/secret"
	"lateral/web"
)

// httpFlags are those of the HTTP front by TCP. It has what the service's
// socket has, but for profiles and the log level.
type httpFlags struct {
	HTTP              []string `name:"http" placeholder:"ADDR" sep:"none" help:"Serve the HTTP interface and the dashboard at HOST:PORT, too. May be repeated. Beyond loopback it wants a token."`
	HTTPTokenFile     string   `name:"http-token-file" placeholder:"FILE" help:"Private file whose first line is the bearer token that opens everything."`
	HTTPReadTokenFile string   `name:"http-read-token-file" placeholder:"FILE" help:"Private file whose first line is a token that reads and changes nothing, for monitors."`
	HTTPCert          string   `name:"http-cert" placeholder:"FILE" help:"Certificate (PEM, with its chain) of the HTTP front: TLS. Read again when it changes."`
	HTTPKey           string   `name:"http-key" placeholder:"FILE" help:"Its key, a private file."`
}

// A service's front by TCP, made before anything is opened.
type entrance struct {
	door *secret.Door        // nil: none
	cert *secret.Certificate // nil: none
	lns  []net.Listener
}

// openEntrance reads the private files of a front and says what is missing.
func openEntrance(flag string, addrs []string, all, reads, cert, key string) (e *entrance, err error) {
	e = &entrance{}
	word := "token"
	if flag == "--resp" {
		word = "password"
	}
	if len(addrs) == 0 && all+reads+cert+key != "" {
		return nil, &problem{saw: "files for " + flag + ", which is not there", why: "they would protect nothing", do: "say where to listen, with " + flag + " ADDR", err: errFront}
	}
	if (cert == "") != (key == "") {
		return nil, &problem{saw: "one of " + flag + "-cert and " + flag + "-key", why: "TLS needs both", do: "name the other file, too", err: errFront}
	}
	if all == "" && reads == "" {
		for _, addr := range addrs {
			if !private(addr) {
				return nil, &problem{saw: flag + " " + addr + " without a " + word, why: "other hosts can connect there and read and change everything; TLS alone proves nobody",
					do: "choose a loopback address or a socket, or a " + word + " with " + flag + "-" + word + "-file", err: errFront}
			}
		}
	} else if e.door, err = secret.OpenDoor(all, reads, nil); err != nil {
		return nil, fmt.Errorf("%s-%s-file: %w", flag, word, err)
	}
	if cert != "" {
		if e.cert, err = secret.OpenCertificate(cert, key); err != nil {
			return nil, fmt.Errorf("%s-cert: %w", flag, err)
		}
	}
	return e, nil
}

var errFront = errors.New("a front cannot be opened so")

// plain warns of words that can be read on the way.
func (v *service) plain(e *entrance, flag, addr string) {
	if e.cert == nil && !private(addr) {
		v.log.Warn(flag + " " + addr + " has no TLS: its password or token, keys and values can be read on the way; name a certificate with " + flag + "-cert and " + flag + "-key")
	}
}

// tend reads the files again as they change.
func (e *entrance) tend(ctx context.Context, g *errgroup.Group, v *service) {
	if e.door != nil {
		g.Go(func() error { return e.door.Run(ctx, v.log) })
	}
	if e.cert != nil {
		g.Go(func() error { return e.cert.Run(ctx, v.log) })
	}
}

// listenHTTP opens the HTTP front by TCP.
func (c *runCmd) listenHTTP() (*entrance, error) {
	e, err := openEntrance("--http", c.HTTP, c.HTTPTokenFile, c.HTTPReadTokenFile, c.HTTPCert, c.HTTPKey)
	if err != nil {
		return nil, err
	}
	for _, addr := range c.HTTP {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			e.close()
			return nil, &problem{saw: "--http " + addr + ": " + err.Error(), why: "nobody could reach the interface there", do: "give --http HOST:PORT, an address of this host whose port no other process has", err: err}
		}
		e.lns = append(e.lns, ln)
	}
	return e, nil
}

func (e *entrance) close() {
	for _, ln := range e.lns {
		ln.Close()
	}
}

// serveFronts serves the sockets and the HTTP front by TCP until ctx ends.
func (v *service) serveFronts(ctx context.Context, lns sockets) error {
	f := v.front()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.Serve(ctx, lns.all, v.log) })
	g.Go(func() error { return f.ServeView(ctx, lns.view, v.log) })
	e := v.http
	e.tend(ctx, g, v)
	in := web.Entrance{Door: e.door}
	if e.cert != nil {
		in.TLS = e.cert.Config("http/1.1")
	}
	for i, ln := range e.lns {
		v.log.Info("serving HTTP", "addr", ln.Addr().String(), "tls", e.cert != nil, "token", e.door != nil)
		v.plain(e, "--http", v.cmd.HTTP[i])
		g.Go(func() error { return f.ServeTCP(ctx, ln, in, v.log) })
	}
	return g.Wait()
}
