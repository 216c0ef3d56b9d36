// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/region"
	"lateral/remote"
	"lateral/secret"
)

// remotes are the remote tiers of a node, one server for each auxiliary, until
// the node has left its cluster and what is to be written there is.
type remotes struct {
	life    context.Context
	stop    context.CancelFunc
	runs    sync.WaitGroup
	servers map[string]*remoteServer // by auxiliary; not changed after Open

	mu    sync.Mutex // guards what follows
	ended bool
}

type remoteServer struct {
	*remote.Server
	c *ccf.Remote
}

// A regionTier is one remote tier of one region.
type regionTier struct {
	*remote.Tier
	name string
	s    *remoteServer
}

// openRemotes reads what the ccf's remote tiers need, and begins to connect.
func (n *Node) openRemotes() error {
	n.remotes.servers = map[string]*remoteServer{}
	for _, a := range n.ccf.Auxiliaries {
		if a.Remote == nil || len(a.Remote.Servers) == 0 {
			continue
		}
		c, cert, err := remoteConfig(a.Remote)
		if err != nil {
			return fmt.Errorf("%s: auxiliary %s: %w", a.Where, a.Name, err)
		}
		log := n.log.With("auxiliary", a.Name)
		c.Now, c.Log = n.wall, log
		s := &remoteServer{remote.Open(c), a.Remote}
		n.remotes.servers[a.Name] = s
		n.remotes.runs.Go(func() { s.Run(n.remotes.life) })
		if cert != nil {
			n.remotes.runs.Go(func() { n.keepCertificate(cert, log) })
		}
	}
	return nil
}

func (n *Node) keepCertificate(cert *secret.Certificate, log *slog.Logger) {
	if err := cert.Run(n.remotes.life, log); err != nil && n.remotes.life.Err() == nil {
		log.Error("the certificate is not read again", "cause", err)
	}
}

// remoteConfig is the part of a remote.Config that the ccf decides. Files that
// cannot be used are errors now and not at the first connection.
func remoteConfig(c *ccf.Remote) (rc remote.Config, cert *secret.Certificate, err error) {
	rc = remote.Config{Addrs: c.Servers, Master: c.MasterName, Username: c.UserName, Database: c.Database, Prefix: c.KeyPrefix, Timeout: c.GetTimeout, Heartbeat: c.HeartbeatInterval,
		Silent: c.LinkTimeout, GetOnly: c.GetOnly, MaxQueued: c.ZombieQueueMaxSize, MaxQueuedBytes: c.MaxQueuedBytes, MaxValue: int(min(c.MaxValueBytes, cache.MaxValue))}
	for path, to := range map[string]*func() (string, error){c.PasswordFile: &rc.Password, c.SentinelPasswordFile: &rc.SentinelPassword} {
		if path == "" {
			continue
		}
		*to = func() (string, error) { return secret.ReadPassword(path) }
		if _, err := (*to)(); err != nil {
			return rc, nil, err
		}
	}
	if !c.UseTLS {
		return rc, nil, nil
	}
	rc.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return rc, nil, err
		}
		if rc.TLS.RootCAs = x509.NewCertPool(); !rc.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return rc, nil, fmt.Errorf("%s: no certificate (PEM) in it, so no server could be believed; write the authority's", c.CAFile)
		}
	}
	if c.CertFile != "" {
		if cert, err = secret.OpenCertificate(c.CertFile, c.KeyFile); err != nil {
			return rc, nil, err
		}
		get := cert.Config().GetCertificate
		rc.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return get(nil) }
	}
	return rc, cert, nil
}

// openTiers makes the remote tiers of a region that is about to be made.
func (rs *regions) openTiers(s *region.Settings, mode region.Mode, b *bound) (out []*regionTier) {
	for i := range s.Auxiliaries {
		a := &s.Auxiliaries[i]
		if a.Kind != cache.RemoteTier {
			continue
		}
		srv := rs.n.remotes.servers[a.Name]
		t := &regionTier{name: a.Name, s: srv}
		t.Tier = srv.Tier(remote.TierConfig{Region: s.Name, ByStamp: mode == region.Replicate, Retention: s.LongestLife(), Attr: b.attr, Hear: tierEar{b}})
		a.Aux = t
		out = append(out, t)
	}
	return out
}

// runTiers has the region hear of its remote tiers. It is not known to anybody yet.
func (b *bound) runTiers() error {
	rs := &b.n.remotes
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.ended {
		return cache.ErrClosed
	}
	if len(b.tiers) > 0 && len(b.disks) > 0 && b.Region.Mode() != region.Replicate {
		b.Gap() // of what an earlier life left nobody has told what was changed on the server
	}
	for _, t := range b.tiers {
		t.Attach()
		rs.runs.Go(func() { t.Run(rs.life) })
	}
	return nil
}

// endRemotes is the end of the remote tiers: what waits is written, for as long
// as DrainTimeout says.
func (n *Node) endRemotes() {
	n.remotes.mu.Lock()
	n.remotes.ended = true
	n.remotes.mu.Unlock()
	var all sync.WaitGroup
	for _, b := range n.regions.all() {
		for _, t := range b.tiers {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(n.remotes.life, max(t.s.c.DrainTimeout, time.Millisecond))
				defer cancel()
				if err := t.Flush(ctx); err != nil {
					n.log.Warn("not everything is on the remote tier: what waited is lost there", "region", b.Name(), "auxiliary", t.name, "waiting", t.Status().Queued)
				}
			})
		}
	}
	all.Wait()
	n.remotes.stop()
	n.remotes.runs.Wait()
}

// written waits until what was written on this node is on the remote tiers that
// write through.
func (b *bound) written(ctx context.Context) error {
	var errs []error
	for _, t := range b.tiers {
		if !t.s.c.WriteThrough {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, t.s.c.GetTimeout)
		if err := t.Flush(ctx); err != nil {
			errs = append(errs, fmt.Errorf("region %s: %w: the remote tier %s has not got it: %w", b.Name(), cache.ErrNotReplicated, t.name, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}

// through reports whether writes wait for a remote tier.
func (b *bound) through() bool {
	for _, t := range b.tiers {
		if t.s.c.WriteThrough {
			return true
		}
	}
	return false
}

// askTiers asks the remote tiers alone, and keeps nothing: memory may not be
// looked at now.
func (b *bound) askTiers(ctx context.Context, key string) (e cache.Element, ok bool, err error) {
	for i := range b.tiers {
		e, ok, ferr := b.tiers[i].Fetch(ctx, b.Name(), key)
		if ok {
			b.NoteAuxHit()
			return e, true, nil
		}
		err = errors.Join(err, ferr)
	}
	return cache.Element{}, false, err
}

// offers reports whether what is loaded from the source goes to a remote tier.
// In a region whose values travel a load stays on its node.
func (b *bound) offers() bool {
	return len(b.tiers) > 0 && b.digest == nil && b.attr.Remote && b.useRemote
}

// loadStamp is that of a value that is about to be loaded: older than any
// removal from now on, on nodes whose clocks are behind by no more than clocks as well. Its writer is
// no node, so that no write of this one can have the same.
func (n *Node) loadStamp() cache.Stamp {
	s := n.clock.Next(n.now())
	s.Time -= cache.StampAt(clocks.Milliseconds(), 0).Time
	s.Node &^= 1 // nodes are odd
	return s
}

// offer hands the remote tiers what was loaded, with the stamp from before.
func (b *bound) offer(e cache.Element) {
	for _, t := range b.tiers {
		t.Note(cache.Change{Op: cache.Put, Region: b.Name(), Element: e})
	}
}

func (b *bound) remoteStatus() (out []cache.RemoteStatus) {
	for _, t := range b.tiers {
		st := t.Status()
		st.Name, st.Through = t.name, t.s.c.WriteThrough
		out = append(out, st)
	}
	return out
}

// tierEar is a region as its remote tiers see it: its memory, and what is on its disks alone, as
// that is served, too, before any tier is asked.
type tierEar struct{ b *bound }

func (h tierEar) Look(key string) (cache.Element, bool) {
	e, _ := h.b.Lookup(key)
	if !e.Stamp.IsZero() {
		return e, true
	}
	for _, d := range h.b.disks {
		if e, state := d.Look(key); state == cache.KnownLive {
			return e, true
		}
	}
	return e, false
}

func (h tierEar) Drop(key string) {
	now := h.b.n.now()
	h.apply(cache.Command{Op: cache.Remove, Origin: cache.FromRemote, Key: key, Stamp: h.b.n.clock.Next(now)})
}

func (h tierEar) Merge(e cache.Element) {
	h.apply(cache.Command{Op: cache.Merge, Origin: cache.FromRemote, Key: e.Key, Value: e.Value, Attr: e.Attr, Stamp: e.Stamp, Accessed: e.Accessed, State: e.State})
}

func (h tierEar) apply(c cache.Command) {
	if _, err := h.b.Apply(h.b.n.now(), c); err != nil {
		h.b.n.log.Debug("what the remote tier told of cannot be", "region", h.b.Name(), "cause", err)
	}
}

func (h tierEar) Gap() { h.b.Gap() }

func (h tierEar) Keys(yield func(key string) bool) {
	more := true
	h.b.Each(func(e cache.Element) bool {
		more = e.State != cache.Live || yield(e.Key)
		return more
	})
	for _, d := range h.b.disks {
		if more {
			d.Each([]string{""}, func(e *cache.Element) bool {
				more = yield(e.Key)
				return more
			})
		}
	}
}

func (h tierEar) Stamp() cache.Stamp { return h.b.n.clock.Next(h.b.n.now()) }

// ProbeRemote connects with a remote tier as a node would and returns the masters
// whose invalidations arrive, or why not. It waits until ctx ends, and leaves nothing open.
func ProbeRemote(ctx context.Context, c *ccf.Remote) (masters []string, err error) {
	rc, _, err := remoteConfig(c)
	if err != nil {
		return nil, err
	}
	rc.Log = slog.New(slog.DiscardHandler)
	return remote.Probe(ctx, rc)
}
