// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"lateral/cache"
	"lateral/ccf"
	"lateral/secret"
)

// A shield is how an endpoint tells members from others: by the cluster's
// secret, by certificates of the operator's own, by both (then the secret
// seals announcements, and certificates prove links), or not at all.
type shield struct {
	e         *endpoint
	ring      *secret.Ring // nil: announcements are plain
	guard     guard        // nil: links are plain
	strangers secret.Strangers
	often     *rate.Limiter // of log lines that strangers can cause
}

// A guard proves links: *secret.Ring or *secret.PKI.
type guard interface {
	Client(ctx context.Context, raw net.Conn) (net.Conn, error)
	Server(ctx context.Context, raw net.Conn) (net.Conn, error)
	Run(ctx context.Context, log *slog.Logger) error
}

// openShield reads the files that the ccf names.
func (e *endpoint) openShield() (*shield, error) {
	s := &shield{e: e, often: rate.NewLimiter(rate.Every(10*time.Second), 10)}
	c, now := e.c, e.n.wall
	if c.ClusterSecretFile != "" {
		r, err := secret.OpenRing(c.ClusterSecretFile, now)
		if err != nil {
			return nil, fmt.Errorf("%s: ClusterSecretFile: %w", c.Where["ClusterSecretFile"], err)
		}
		s.ring, s.guard = r, r
	}
	if c.CertFile != "" {
		p, err := secret.OpenPKI(c.CertFile, c.KeyFile, c.CAFile, now)
		if err != nil {
			return nil, fmt.Errorf("%s: CertFile: %w", c.Where["CertFile"], err)
		}
		s.guard = p
	}
	return s, nil
}

// run keeps to the files as they change, until ctx ends.
func (s *shield) run(ctx context.Context) error {
	log := s.e.n.log.With("endpoint", s.e.name)
	g, ctx := errgroup.WithContext(ctx)
	if s.ring != nil && s.guard != guard(s.ring) {
		g.Go(func() error { return s.ring.Run(ctx, log) })
	}
	if s.guard != nil {
		g.Go(func() error { return s.guard.Run(ctx, log) })
	}
	return g.Wait()
}

// say tells at start who may take part.
func (s *shield) say() {
	st := s.status()
	log := s.e.n.log.With("endpoint", s.e.name)
	switch {
	case st.Open != "":
		log.Warn(st.Open)
	case st.CertFile != "" && len(st.Secrets) == 0 && s.e.c.UdpDiscoveryEnabled:
		log.Warn("links are proven by certificates (TLS 1.3), but announcements are plain: they show names, and who is on the segment can forge them; set ClusterSecretFile as well", "cert", st.CertFile)
	case st.CertFile != "":
		log.Info("links are proven by certificates (TLS 1.3)", "cert", st.CertFile, "announcements_sealed_with", st.Secrets)
	case len(st.Secrets) > 0:
		log.Info("links are proven (TLS 1.3) and announcements sealed with the cluster secret", "fingerprints", st.Secrets)
	}
	if st.Java != "" {
		log.Warn(st.Java)
	}
}

// status says who may take part, and who was refused.
func (s *shield) status() (st cache.Security) {
	c := s.e.c
	if s.ring != nil {
		st.Secrets = s.ring.Fingerprints()
	}
	st.CertFile = c.CertFile
	if p, ok := s.guard.(*secret.PKI); ok {
		st.Ends = ending(c.CertFile, p.Ends(), s.e.n.wall())
	}
	st.Strangers = s.strangers.List(time.Now())
	switch a, ok := s.listens(); {
	case c.ListenOnly: // nobody can read or change anything of the cluster through it
	case s.guard == nil && ok && !a.IP.IsLoopback():
		st.Open = fmt.Sprintf("no cluster secret: whoever reaches TCP %s can join, and read, change and remove everything in this endpoint's regions; "+
			"what travels can be read on the way. Run lateral keygen, give the file to all nodes and set ClusterSecretFile", a)
	case s.guard != nil && c.AllowUnauthenticatedJCS:
		st.Java = "Java nodes prove nothing and are spoken to all the same, in the clear (AllowUnauthenticatedJCS), from " + s.javaFrom()
	}
	return st
}

// endingTime is how long before its end a certificate is spoken of.
const endingTime = 7 * 24 * time.Hour

// ending says that a certificate has ended, or will soon.
func ending(file string, ends, now time.Time) string {
	switch left := ends.Sub(now); {
	case left <= 0:
		return fmt.Sprintf("the certificate %s has expired, at %s: links that are up go on, no new ones are made; put a new one in its place, it is read again by itself", file, ends.UTC().Format(time.RFC3339))
	case left < endingTime:
		return fmt.Sprintf("the certificate %s is good until %s only: put a new one in its place, it is read again by itself", file, ends.UTC().Format(time.RFC3339))
	}
	return ""
}

func (s *shield) listens() (*net.TCPAddr, bool) {
	if s.e.listener == nil {
		return nil, false
	}
	a, ok := s.e.listener.Addr().(*net.TCPAddr)
	return a, ok
}

func (s *shield) javaFrom() string {
	if len(s.e.c.AllowJCSFrom) == 0 {
		return "anywhere: whoever reaches this node can act as one; limit it with AllowJCSFrom"
	}
	return fmt.Sprint(s.e.c.AllowJCSFrom)
}

// refuse notes and logs that somebody was refused.
func (s *shield) refuse(addr netip.Addr, why error) {
	if errors.Is(why, secret.ErrTheyRefuse) {
		s.mention(addr, why)
		return
	}
	s.log(addr, why, s.strangers.Refuse(addr, why.Error(), time.Now()))
}

// mention is refuse for what is found out by dialling, and for what the other
// side has said: what it did here tells more.
func (s *shield) mention(addr netip.Addr, why error) {
	s.log(addr, why, s.strangers.Mention(addr, why.Error(), errors.Is(why, secret.ErrTheyRefuse), time.Now()))
}

func (s *shield) log(addr netip.Addr, why error, fresh bool) {
	if fresh && s.often.Allow() {
		s.e.n.log.Warn(cache.Stranger{Addr: addr.Unmap().String(), Why: why.Error()}.String(), "endpoint", s.e.name)
	}
}

// client proves this node on a connection that it dialled.
func (s *shield) client(ctx context.Context, raw net.Conn, err error) (net.Conn, error) {
	if err != nil || s.guard == nil {
		return raw, err
	}
	safe, err := s.guard.Client(ctx, raw)
	if err != nil {
		if a, perr := netip.ParseAddrPort(raw.RemoteAddr().String()); perr == nil && !cutOff(err) {
			s.mention(a.Addr(), err)
		}
		raw.Close()
		return nil, err
	}
	return safe, nil
}

// cutOff reports whether a handshake came to nothing because of the network,
// which says nothing of who is there.
func cutOff(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// javaMay reports whether an endpoint speaks with Java nodes at all.
func javaMay(c *ccf.Lateral) bool { return !c.Secured() || c.AllowUnauthenticatedJCS }

// javaFrom reports whether a Java node may be at an address.
func javaFrom(c *ccf.Lateral, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return !c.Secured() || len(c.AllowJCSFrom) == 0 || slices.ContainsFunc(c.AllowJCSFrom, func(p netip.Prefix) bool { return p.Contains(a) })
}

// javaHere reports whether Java nodes may be on this host only. Nothing is
// announced to them then: multicast would tell regions' names to everybody.
func javaHere(c *ccf.Lateral) bool {
	return c.Secured() && len(c.AllowJCSFrom) > 0 && !slices.ContainsFunc(c.AllowJCSFrom, func(p netip.Prefix) bool { return !p.Addr().IsLoopback() })
}

// serveJava is handed connections that are not the mesh's.
func (e *endpoint) serveJava(ctx context.Context, conn net.Conn, head []byte) {
	a, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if e.c.Secured() && (err != nil || !javaFrom(e.c, a.Addr())) {
		conn.Close()
		if err == nil {
			e.shield.refuse(a.Addr(), fmt.Errorf("it speaks as a Java node, which AllowJCSFrom does not allow from there"))
		}
		return
	}
	e.java.links.Serve(ctx, conn, head)
}

// An allowed listener accepts from where Java nodes may be, and nobody else.
type allowed struct {
	net.Listener
	e *endpoint
}

func (l allowed) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || !l.e.c.Secured() {
			return conn, err
		}
		if a, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil && javaFrom(l.e.c, a.Addr()) {
			return conn, nil
		}
		conn.Close()
	}
}
