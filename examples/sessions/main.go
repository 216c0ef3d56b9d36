// SPDX-License-Identifier: Apache-2.0

// Command sessions is a web program in two instances behind a load balancer,
// whose sessions outlive an instance:
//
//	go run ./examples/sessions
//
// It starts both, logs in, kills the instance that answered, and is still logged
// in. All is one process here, in earnest each is one on a host of its own.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"lateral"
	"lateral/ccf"
	"lateral/httpsession"
)

// file is the cache.ccf of both, each with a port of its own: a session is on
// one more node before its request is answered (Acks).
const file = `jcs.default=MESH
jcs.region.Sessions=MESH
jcs.region.Sessions.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Sessions.cacheattributes.MaxObjects=100000
jcs.region.Sessions.cacheattributes.Acks=1
jcs.auxiliary.MESH=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.MESH.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.MESH.attributes.TcpListenerHost=127.0.0.1
jcs.auxiliary.MESH.attributes.TcpListenerPort=OWN
jcs.auxiliary.MESH.attributes.TcpServers=127.0.0.1:OTHER
jcs.auxiliary.MESH.attributes.UdpDiscoveryEnabled=false
jcs.auxiliary.MESH.attributes.IssueRemoveOnPut=false
`

func main() {
	if err := run(os.Stdout, "57491", "57492"); err != nil {
		log.Fatal(err)
	}
}

// An instance is a web server and the node that it embeds.
type instance struct {
	node   *lateral.Node
	kill   context.CancelFunc // without a goodbye
	server http.Server
	url    *url.URL
	dead   atomic.Bool
}

func start(name, own, other string) (*instance, error) {
	cfg, err := ccf.Parse(ccf.Source{Name: name + ".ccf", Data: []byte(strings.NewReplacer("OWN", own, "OTHER", other).Replace(file))})
	if err != nil {
		return nil, err
	}
	ctx, kill := context.WithCancel(context.Background())
	i := &instance{kill: kill}
	if i.node, err = lateral.Open(ctx, lateral.Config{Service: name, CCF: cfg, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	sessions, err := httpsession.New(i.node, httpsession.Config{Region: "Sessions", Insecure: true}) // no TLS here
	if err != nil {
		return i, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		ses := httpsession.From(r.Context())
		ses.Renew()
		ses.Set("user", r.FormValue("user"))
		fmt.Fprintf(w, "%s: welcome\n", name)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		user, _ := httpsession.From(r.Context()).Get("user")
		fmt.Fprintf(w, "%s: you are %q\n", name, user)
	})
	i.server.Handler = sessions.Wrap(mux)
	i.url, err = serve(&i.server)
	return i, err
}

// serve starts a server on loopback and tells where.
func serve(s *http.Server) (*url.URL, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go s.Serve(ln)
	return &url.URL{Scheme: "http", Host: ln.Addr().String()}, nil
}

func (i *instance) stop() { i.dead.Store(true); i.kill(); i.server.Close(); i.node.Close() }

// balance sends requests to the first instance that lives.
func balance(all []*instance) http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(all[slices.IndexFunc(all, func(i *instance) bool { return !i.dead.Load() })].url)
	}}
}

func run(out io.Writer, port1, port2 string) error {
	var all []*instance
	for _, i := range [][3]string{{"one", port1, port2}, {"two", port2, port1}} {
		in, err := start(i[0], i[1], i[2])
		if err != nil {
			return err
		}
		defer in.stop()
		all = append(all, in)
	}
	if err := all[0].node.WaitComplete(context.Background(), len(all)); err != nil {
		return err
	}
	proxy := &http.Server{Handler: balance(all)}
	front, err := serve(proxy)
	if err != nil {
		return err
	}
	defer proxy.Close()
	jar, _ := cookiejar.New(nil) // it has no error
	browser := &http.Client{Jar: jar}
	for _, path := range []string{"/login?user=anna", "/", "kill", "/"} {
		if path == "kill" {
			fmt.Fprintln(out, "one is killed")
			all[0].stop()
			continue
		}
		fmt.Fprintf(out, "%-16s → ", path)
		res, err := browser.Get(front.String() + path)
		if err != nil {
			return err
		}
		io.Copy(out, res.Body)
		res.Body.Close()
	}
	return nil
}
