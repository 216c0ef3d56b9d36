// SPDX-License-Identifier: Apache-2.0

// Command dashboard is a program that embeds a node and shows it to people:
//
//	go run ./examples/dashboard
//	go run ./examples/dashboard -page 127.0.0.1:8081 -name two    # a second one, on the same host or segment
//
// Its page, and the HTTP interface that curl can ask, are on loopback: whoever
// reaches the address may do everything. For others give web.Entrance a Door
// and TLS.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"lateral"
	"lateral/ccf"
	"lateral/web"
)

// file is the node's cache.ccf: regions replicate their values, and others are
// found by multicast on the interface of -interface.
const file = `jcs.default=MESH
jcs.default.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.default.cacheattributes.MaxObjects=10000
jcs.auxiliary.MESH=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.MESH.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.MESH.attributes.TcpListenerHost=127.0.0.1
jcs.auxiliary.MESH.attributes.TcpListenerPort=0
jcs.auxiliary.MESH.attributes.UdpDiscoveryAddr=239.255.78.1
jcs.auxiliary.MESH.attributes.UdpDiscoveryPort=57490
jcs.auxiliary.MESH.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.MESH.attributes.Interface=lo
jcs.auxiliary.MESH.attributes.IssueRemoveOnPut=false
`

func main() {
	page := flag.String("page", "127.0.0.1:8080", "where the dashboard is")
	name := flag.String("name", "one", "of this service in the cluster")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	slog.SetLogLoggerLevel(slog.LevelWarn)
	if err := run(ctx, *name, *page, func(url string) { fmt.Println("dashboard:", url) }); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends. It tells where the dashboard is once it is there.
func run(ctx context.Context, name, page string, ready func(url string)) error {
	cfg, err := ccf.Parse(ccf.Source{Name: "cache.ccf", Data: []byte(file)})
	if err != nil {
		return err
	}
	n, err := lateral.Open(ctx, lateral.Config{Service: name, CCF: cfg})
	if err != nil {
		return err
	}
	defer n.Close()
	visits, err := lateral.In(n, "Visits", lateral.JSON[time.Time]())
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", page)
	if err != nil {
		return err
	}
	url := "http://" + ln.Addr().String() + "/"
	front := &web.Front{Do: n.Do, Status: n.Status, Attributes: n.Attributes, Verify: n.Verify, Explain: n.Explain,
		Dashboard: &web.Dashboard{
			Look:   func(context.Context) web.View { return web.NodeView(n.Status(), n.Mesh()) },
			Watch:  n.WatchRegion,
			Writes: func(*http.Request) bool { return true }, // on loopback
		}}
	go func() { // what the program is there for
		for tick := time.NewTicker(time.Second); ; {
			if err := visits.Put(ctx, name, time.Now()); err != nil {
				return // the node has ended
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	ready(url)
	if err := front.ServeTCP(ctx, ln, web.Entrance{}, nil); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
