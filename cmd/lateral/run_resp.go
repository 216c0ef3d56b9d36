// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lateral"
	"lateral/ccf"
	"lateral/resp"
	"lateral/secret"
)

// respFlags are those of the RESP front.
type respFlags struct {
	Resp                 []string      `placeholder:"ADDR" sep:"none" help:"Serve clients of the Redis protocol at HOST:PORT, or at the path of a unix socket. May be repeated."`
	RespMap              string        `placeholder:"MAP" help:"Which region a database or a key prefix is: 0=SessionCache,1=User,sess:*=SessionCache. Default: RespMap of the regions in the ccf."`
	RespPasswordFile     string        `placeholder:"FILE" help:"Private file whose first line RESP clients must AUTH with. Wanted beyond loopback."`
	RespReadPasswordFile string        `placeholder:"FILE" help:"Private file with the password of the user reader, who changes nothing."`
	RespCert             string        `placeholder:"FILE" help:"Certificate (PEM, with its chain) of the RESP front: TLS on TCP. Read again when it changes."`
	RespKey              string        `placeholder:"FILE" help:"Its key, a private file."`
	RespMaxClients       int           `default:"10000" placeholder:"N" help:"Most RESP clients at once."`
	RespIdle             time.Duration `placeholder:"DUR" help:"Close RESP connections that are idle for so long; default never."`
}

// clients are those of the RESP front.
type clients struct {
	failed <-chan error
	cancel context.CancelFunc
	done   chan struct{}
}

// stop closes all connections. It returns why the front had ended before, if
// it had.
func (c *clients) stop() error {
	c.cancel()
	<-c.done
	select {
	case err := <-c.failed:
		return err
	default:
		return nil
	}
}

// serveResp opens the RESP front and serves it until it is stopped.
func (v *service) serveResp(ctx context.Context) (*clients, error) {
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error, 1)
	c := &clients{failed: failed, cancel: cancel, done: make(chan struct{})}
	f := &v.cmd.respFlags
	e, err := openEntrance("--resp", f.Resp, f.RespPasswordFile, f.RespReadPasswordFile, f.RespCert, f.RespKey)
	if err != nil {
		cancel()
		return nil, err
	}
	if len(f.Resp) == 0 {
		close(c.done)
		return c, nil
	}
	front, err := v.openResp(e.door)
	if err != nil {
		cancel()
		return nil, err
	}
	var lns []net.Listener
	for _, addr := range v.cmd.Resp {
		ln, err := resp.Listen(addr)
		if err != nil {
			cancel()
			for _, l := range lns {
				l.Close()
			}
			return nil, err
		}
		v.log.Info("serving RESP", "addr", ln.Addr().String(), "tls", e.cert != nil, "password", e.door != nil)
		v.plain(e, "--resp", addr)
		if e.cert != nil && ln.Addr().Network() == "tcp" {
			ln = tls.NewListener(ln, e.cert.Config())
		}
		lns = append(lns, ln)
	}
	v.resp.Store(front)
	g, ctx := errgroup.WithContext(ctx)
	e.tend(ctx, g, v)
	g.Go(func() error { return front.Run(ctx, lns...) })
	go func() {
		defer close(c.done)
		if err := g.Wait(); err != nil {
			failed <- err
		}
	}()
	return c, nil
}

func (v *service) openResp(door *secret.Door) (*resp.Front, error) {
	text := v.cmd.RespMap
	if text == "" {
		text = mapOf(v.ccf)
	}
	if text == "" {
		return nil, fmt.Errorf("--resp: no region is mapped to database 0, which clients start with: say which, as in --resp-map 0=%s, or set RespMap=0 among its cacheattributes in the ccf", exampleRegion(v.ccf))
	}
	m, err := resp.ParseMap(text)
	if err != nil {
		return nil, err
	}
	v.undeclared(m)
	return resp.New(resp.Config{Map: m, Door: door, Service: v.cmd.Service, Version: lateral.Version, Node: v.node.Status().Node,
		MaxClients: v.cmd.RespMaxClients, IdleTimeout: v.cmd.RespIdle, Logger: v.log, Mesh: v.node.Channels(),
		Open: func(name string) (resp.Region, error) { return v.timed(name) }})
}

// undeclared says which regions of a map no file has. They are made from
// jcs.default, so a typing error keeps sessions where nobody looks for them.
func (v *service) undeclared(m resp.Map) {
	var names []string
	for _, r := range v.ccf.Regions {
		names = append(names, r.Name)
	}
	for _, x := range m {
		if slices.Contains(names, x.Region) {
			continue
		}
		text := "--resp-map: no file declares region " + x.Region + ", which is made from jcs.default"
		if near := ccf.Nearest(x.Region, names); near != "" {
			text += "; did you mean " + near + "?"
		}
		v.log.Warn(text, "region", x.Region)
	}
}

// mapOf gathers what the regions say of themselves.
func mapOf(c *ccf.Config) string {
	var parts []string
	for _, r := range c.Regions {
		for from := range strings.SplitSeq(r.RespMap, ",") {
			if from = strings.TrimSpace(from); from != "" {
				parts = append(parts, from+"="+r.Name)
			}
		}
	}
	return strings.Join(parts, ",")
}

func exampleRegion(c *ccf.Config) string {
	if len(c.Regions) > 0 {
		return c.Regions[0].Name
	}
	return "REGION"
}

// private reports whether only this host can connect to an address.
func private(addr string) bool {
	if strings.Contains(addr, "/") {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return true // Listen says what is wrong
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
