// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lateral/cache"
	"lateral/ccf"
	"lateral/mesh"
)

// A Node is one service's member of the cluster. Its methods may be called by
// many goroutines at once.
type Node struct {
	service, host string
	pid           int
	files         []string
	started       time.Time
	ccf           *ccf.Config
	network       Network
	log           *slog.Logger
	wall          func() time.Time
	clock         cache.Clock
	regions       regions
	channels      Channels
	endpoints     []*endpoint
	disks         disks
	remotes       remotes

	stopping atomic.Bool // sessions are being handed over
	closed   atomic.Bool
	stop     context.CancelFunc
	life     context.Context // of everything that the node runs; set by start
	done     chan struct{}   // closed when every goroutine of the node has ended
	err      error           // why, once done is closed
}

// Open reads the configuration, opens the listeners and joins the cluster. The
// node runs until ctx ends or Close is called. An error names everything that
// is wrong with the files, with file and line; a port that is taken is an
// error that names its owner. After an error nothing is left open.
func Open(ctx context.Context, c Config) (*Node, error) {
	n := &Node{service: cmp.Or(c.Service, "lateral"), host: c.Host, pid: os.Getpid(), files: c.Files, started: time.Now(),
		ccf: c.CCF, network: c.Network, log: c.Logger, wall: c.Now, done: make(chan struct{})}
	n.clock.Node = cache.NodeID(rand.Uint64() | 1)
	n.regions.n, n.channels.n = n, n
	n.disks.life, n.disks.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.remotes.life, n.remotes.stop = context.WithCancel(context.WithoutCancel(ctx))
	n.regions.byName.Store(&map[string]*bound{})
	if n.wall == nil {
		n.wall = time.Now
	}
	if n.log == nil {
		n.log = slog.Default()
	}
	if n.network == nil {
		n.network = machine{}
	}
	if err := n.configure(); err != nil {
		return nil, err
	}
	for _, a := range n.ccf.Auxiliaries {
		if a.Lateral == nil {
			continue
		}
		e, err := n.openEndpoint(a)
		if err != nil {
			for _, e := range n.endpoints {
				e.closeSockets()
			}
			return nil, err
		}
		n.endpoints = append(n.endpoints, e)
	}
	err := n.openRemotes()
	if err == nil {
		err = n.openRegions()
	}
	if err != nil {
		n.endRemotes()
		n.disks.end()
		for _, e := range n.endpoints {
			e.closeSockets()
		}
		return nil, err
	}
	n.start(ctx)
	return n, nil
}

func (n *Node) configure() (err error) {
	if n.host == "" {
		if n.host, err = os.Hostname(); err != nil {
			return fmt.Errorf("the name of this host: %w", err)
		}
	}
	if n.ccf == nil {
		if n.ccf, err = ccf.Load(n.files...); err != nil {
			return err
		}
	}
	if n.files == nil {
		n.files = n.ccf.Files
	}
	for _, f := range n.ccf.Findings {
		n.log.Log(context.Background(), levelOf(f.Severity), f.String())
	}
	return nil
}

func levelOf(s ccf.Severity) slog.Level {
	switch s {
	case ccf.Error:
		return slog.LevelError
	case ccf.Warning:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func (n *Node) openRegions() error {
	for _, r := range n.ccf.Regions {
		if _, err := n.regions.get(r.Name); err != nil {
			return fmt.Errorf("%s: %w", r.Where, err)
		}
	}
	return nil
}

// start runs everything that lives as long as the node.
func (n *Node) start(ctx context.Context) {
	ctx, n.stop = context.WithCancel(ctx)
	g, ctx := errgroup.WithContext(ctx)
	n.life = ctx
	for _, e := range n.endpoints {
		if e.listener != nil {
			n.log.Info("listening", "endpoint", e.name, "addr", e.listener.Addr().String(), "cluster", e.cluster())
		}
		g.Go(func() error { return e.run(ctx) })
	}
	g.Go(func() error { return n.regions.housekeep(ctx) })
	go func() {
		n.err = g.Wait()
		n.closed.Store(true)
		n.endRemotes()
		n.keepOnDisk()
		close(n.done)
	}()
}

// Close leaves the cluster. Where there are sessions (regions with Acks whose
// values travel) it refuses new writes of them with cache.ErrStopping and waits
// until as many peers as Acks says hold all of them, for at most DrainTimeout;
// what could not be handed over is an error that wraps cache.ErrNotReplicated.
// Then peers are sent what they have not acknowledged (for at most a second)
// and a goodbye. When it returns every goroutine of the node has ended and
// every socket is closed. It returns why the node had ended before, if it had.
//
// When the context of Open ends the node ends in the same way, but for the
// sessions: nothing is waited for.
func (n *Node) Close() error {
	var left error
	if !n.stopping.Swap(true) {
		left = n.drain()
		n.stop()
	}
	<-n.done
	return errors.Join(n.err, left)
}

// now is the wall clock in milliseconds.
func (n *Node) now() int64 { return n.wall().UnixMilli() }

// Done is closed when the node has ended, by Close, by the context of Open or
// by a failure, which Close then returns.
func (n *Node) Done() <-chan struct{} { return n.done }

func (n *Node) endpoint(name string) *endpoint {
	for _, e := range n.endpoints {
		if e.name == name {
			return e
		}
	}
	return nil
}

// Status returns the node as it sees itself and its cluster.
func (n *Node) Status() cache.Status {
	st := cache.Status{Version: Version, Host: n.host, Service: n.service, PID: n.pid, Node: n.clock.Node.String(),
		Started: n.started, Now: n.wall(), Stopping: n.stopping.Load() || n.closed.Load(), Files: n.files, Endpoints: []cache.EndpointStatus{}, Regions: []cache.RegionStatus{}}
	for _, f := range n.ccf.Findings {
		st.Warnings = append(st.Warnings, f.String())
	}
	for _, e := range n.endpoints {
		st.Endpoints = append(st.Endpoints, e.status())
	}
	for _, b := range n.regions.all() {
		r := b.Status()
		for _, e := range n.endpoints {
			t := e.mesh.Synced(b.Name())
			r.Stats.SyncIn += t.ElementsIn
			r.Stats.SyncOut += t.ElementsOut
			r.Stats.SyncRounds += t.Syncs
			r.Stats.SyncBytesIn += t.BytesIn
			r.Stats.SyncBytesOut += t.BytesOut
			r.Stats.SyncLastBytes = max(r.Stats.SyncLastBytes, t.Last)
		}
		if b.digest != nil {
			r.Digest = b.digest.Root().String()
		}
		r.Unready = n.unready(b)
		r.Ready = r.Unready == ""
		st.Regions = append(st.Regions, r)
	}
	return st
}

// Mesh returns whether the mesh is complete, as far as this node can tell.
func (n *Node) Mesh() cache.MeshStatus { return mesh.Verdict(n.Status()) }

// WaitComplete returns when at least the given number of nodes (processes,
// this one included) are known and every link between them is up, or when ctx
// ends; then the error says what is missing.
func (n *Node) WaitComplete(ctx context.Context, nodes int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		st := n.Mesh()
		if st.Complete && st.Nodes >= nodes {
			return nil
		}
		select {
		case <-tick.C:
		case <-n.done:
			return cache.ErrClosed
		case <-ctx.Done():
			return errors.Join(ctx.Err(), Incomplete(st, nodes))
		}
	}
}

// Barrier returns when every linked peer has applied what was written on this
// node before the call, or when ctx ends.
func (n *Node) Barrier(ctx context.Context) error {
	for _, e := range n.endpoints {
		if err := e.mesh.Barrier(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Incomplete says in words what a mesh lacks, nil if nothing.
func Incomplete(st cache.MeshStatus, nodes int) error {
	var errs []error
	if st.Nodes < nodes {
		errs = append(errs, fmt.Errorf("%d of %d nodes are known", st.Nodes, nodes))
	}
	for _, m := range st.Missing {
		errs = append(errs, fmt.Errorf("%s – %s: %s", partyText(m.From), partyText(m.To), m.Reason))
	}
	return errors.Join(errs...)
}

func partyText(p cache.Party) string {
	if p.Service == "" {
		return p.Addr
	}
	return p.Host + "/" + p.Service + "." + p.Endpoint
}
