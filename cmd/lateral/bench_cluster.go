// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lateral/cache"
	"lateral/web"
)

// A benchCluster is what is measured: services of this host that hold the
// region, of which the first is written to.
type benchCluster struct {
	region  string
	mode    string
	prefix  string // of all keys; JCS's way of naming many ends in ':'
	members []*web.Client
	procs   []*proc // of the members, if they are ours
	dir     string
}

// benchSetup bounds what is no measurement: start, preparation, cleaning up.
const benchSetup = 30 * time.Second

func (c *benchCmd) open(ctx context.Context) (*benchCluster, error) {
	if c.Region != "" {
		return c.running(ctx)
	}
	return c.own(ctx)
}

// running finds the services that have the region.
func (c *benchCmd) running(ctx context.Context) (*benchCluster, error) {
	cs, err := c.services("")
	if err != nil {
		return nil, err
	}
	b := &benchCluster{region: c.Region, prefix: "lateral-bench-" + strconv.Itoa(os.Getpid()) + ":"}
	for _, h := range ask(ctx, cs) {
		if h.err != nil {
			return nil, h.err
		}
		for _, r := range h.status.Regions {
			if r.Region != c.Region {
				continue
			}
			b.mode = r.Mode
			b.members = append(b.members, h.client)
			if h.client.Service == c.Service { // the writer is the first
				last := len(b.members) - 1
				b.members[0], b.members[last] = b.members[last], b.members[0]
			}
		}
	}
	if len(b.members) == 0 {
		return nil, &problem{saw: "no service has a region " + c.Region, do: "lateral stats lists the regions there are; without --region a cluster is started"}
	}
	if c.Service != "" && b.members[0].Service != c.Service {
		return nil, &problem{saw: fmt.Sprintf("service %s has no region %s, or does not run", c.Service, c.Region), do: "choose of: " + names(b.members)}
	}
	return b, nil
}

// own starts a cluster that nobody else meets.
func (c *benchCmd) own(ctx context.Context) (b *benchCluster, err error) {
	b = &benchCluster{region: "Bench", mode: "replicate", prefix: "bench:"}
	if b.dir, err = os.MkdirTemp(shortTemp(), "lateral-bench-"); err != nil {
		return nil, err
	}
	made := b
	defer func() {
		if err != nil {
			err = errors.Join(err, made.close())
		}
	}()
	ports, err := benchPorts(c.Nodes)
	if err != nil {
		return nil, err
	}
	host := &demoHost{name: "bench", dir: b.dir, runtime: b.dir}
	for i, port := range ports {
		p := &proc{host: host, service: "node" + strconv.Itoa(i+1)}
		dir := filepath.Join(b.dir, p.service)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "cache.ccf"), []byte(benchFile(filepath.Base(b.dir), port, 2*c.Keys)), 0o600); err != nil {
			return nil, err
		}
		b.procs, b.members = append(b.procs, p), append(b.members, p.client())
		if err := p.start(); err != nil {
			return nil, err
		}
	}
	return b, b.complete(ctx)
}

// benchFile is the cache.ccf of each. A region has room for twice the keys, as
// propagation uses others than throughput; 100,000 at least.
func benchFile(cluster string, port, room int) string {
	const a = "jcs.auxiliary.LTCP.attributes"
	return fmt.Sprintf(`jcs.default=
jcs.region.Bench=LTCP
jcs.region.Bench.cacheattributes.MaxObjects=%d
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
%[2]s=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
%[2]s.TcpListenerPort=%[5]d
%[2]s.TcpListenerHost=127.0.0.1
%[2]s.UdpDiscoveryAddr=224.0.0.1
%[2]s.UdpDiscoveryPort=16783
%[2]s.UdpDiscoveryEnabled=true
%[2]s.Interface=%[3]s
%[2]s.ClusterName=%[4]s
`, max(room, 100_000)+1_000_000, a, loopbackName(), cluster, port)
}

// benchPorts finds ports that nobody listens on: a service that is killed comes
// back on its own, as it would elsewhere.
func benchPorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// complete waits until all are linked and none lacks anything.
func (b *benchCluster) complete(ctx context.Context) error {
	var r *meshReport
	t, ok := until(ctx, benchSetup, 5*time.Millisecond, func() bool {
		r = survey(ctx, b.members, len(b.members))
		return r.Complete && len(r.Services) == len(b.members) || b.ended() != ""
	})
	if ctx.Err() != nil {
		return &problem{saw: "interrupted before the cluster was complete: nothing was measured", err: ctx.Err()}
	}
	if gone := b.ended(); gone != "" {
		return &problem{saw: gone, do: "lateral run with its cache.ccf says more; lateral doctor looks at this machine"}
	}
	if !ok {
		return &problem{saw: fmt.Sprintf("the cluster was not complete after %s: %s", took(t), r.summary()), do: "lateral doctor looks at this machine"}
	}
	return nil
}

// ended names a process that is gone though nobody has killed it.
func (b *benchCluster) ended() string {
	for _, p := range b.procs {
		if p.cmd != nil && !p.running() {
			return p.name() + " has ended:\n" + p.tail()
		}
	}
	return ""
}

// key is a key of ours.
func (b *benchCluster) key(kind string, i int) string {
	return b.prefix + kind + strconv.Itoa(i)
}

// put stores a value at a member. Of a region that invalidates others hear that
// what they hold is old.
func (b *benchCluster) put(ctx context.Context, at *web.Client, key, value string, acks cache.Acks) error {
	op := cache.Put
	if b.mode == "invalidate" {
		op = cache.Update
	}
	_, err := at.Do(ctx, cache.Command{Op: op, Region: b.region, Key: key, Value: cache.Value{Bytes: value}, Acks: acks})
	return err
}

// hold puts what an invalidation is about: a value in one memory alone.
func (b *benchCluster) hold(ctx context.Context, at *web.Client, key, value string) error {
	_, err := at.Do(ctx, cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Region: b.region, Key: key, Value: cache.Value{Bytes: value}})
	return err
}

// held is what a member has in its own memory; "" is nothing.
func (b *benchCluster) held(ctx context.Context, at *web.Client, key string) (string, error) {
	rep, err := at.Do(ctx, cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: b.region, Key: key})
	return rep.Element.Value.Bytes, err
}

// arrived reports whether a member is up to date with a put.
func (b *benchCluster) arrived(ctx context.Context, at *web.Client, key, value string) (bool, error) {
	is, err := b.held(ctx, at, key)
	if b.mode == "invalidate" {
		return is == "", err
	}
	return is == value, err
}

// close removes what was put, and ends what was started.
func (b *benchCluster) close() error {
	if len(b.procs) == 0 && len(b.members) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), benchSetup)
		defer cancel()
		_, err := b.members[0].Do(ctx, cache.Command{Op: cache.Remove, Region: b.region, Key: b.prefix})
		if err != nil {
			err = &problem{saw: "the keys that were put are left: " + err.Error(), do: fmt.Sprintf("lateral rm %s %s", b.region, b.prefix), err: err}
		}
		return err
	}
	for _, p := range b.procs {
		if p.running() {
			p.kill() // it has nobody to hand over to
		}
	}
	for _, m := range b.members {
		m.Close()
	}
	return os.RemoveAll(b.dir)
}

// padded is a value that begins with what tells it from others.
func padded(head string, size int) string {
	return head + " " + strings.Repeat("x", max(0, size-len(head)-1))
}
