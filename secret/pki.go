// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A PKI proves links by certificates of the operator's own: this node's, and
// the authority that signs those of all members and of nobody else. Its
// methods may be called by many goroutines.
type PKI struct {
	user          User
	cert, key, ca string // files, PEM
	now           func() time.Time
	papers        atomic.Pointer[papers]
}

type papers struct {
	stamps [3]stamp
	cert   tls.Certificate
	roots  *x509.CertPool
}

// OpenPKI reads the three files; now is the wall clock, nil time.Now.
func OpenPKI(cert, key, ca string, now func() time.Time) (*PKI, error) {
	return Me().OpenPKI(cert, key, ca, now)
}

// OpenPKI is OpenPKI in the user's place.
func (u User) OpenPKI(cert, key, ca string, now func() time.Time) (*PKI, error) {
	if now == nil {
		now = time.Now
	}
	p := &PKI{user: u, cert: cert, key: key, ca: ca, now: now}
	return p, p.Reload()
}

// Reload reads the files again. After an error everything stays as it was.
// Links that exist go on.
func (p *PKI) Reload() error {
	n := &papers{stamps: p.stamps(), roots: x509.NewCertPool()}
	var err error
	if n.cert, err = p.user.readKey(p.cert, p.key); err != nil {
		return err
	}
	ca, err := p.user.readShared(p.ca)
	if err != nil {
		return err
	}
	if !n.roots.AppendCertsFromPEM(ca) {
		return fmt.Errorf("%s: there is no certificate in it (PEM): no peer could prove itself", p.ca)
	}
	for _, role := range [...]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		if err := n.check([]*x509.Certificate{n.cert.Leaf}, role, p.now()); err != nil {
			return fmt.Errorf("%s: no peer would accept it (nodes dial and are dialled, so it needs clientAuth and serverAuth): %w", p.cert, err)
		}
	}
	p.papers.Store(n)
	return nil
}

// readKey reads a certificate and its key, which nobody else may read.
func (u User) readKey(cert, key string) (pair tls.Certificate, err error) {
	st, err := os.Stat(key)
	if err != nil {
		return pair, err
	}
	if err := u.private(key, st); err != nil {
		return pair, err
	}
	if pair, err = tls.LoadX509KeyPair(cert, key); err != nil {
		return pair, fmt.Errorf("%s with %s: %w", cert, key, err)
	}
	return pair, nil
}

// readShared reads a file that is no secret, but on which all trust is built.
func (u User) readShared(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := u.unchanged(path, st); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// Ends is up to when this node's certificate is good.
func (p *PKI) Ends() time.Time { return p.papers.Load().cert.Leaf.NotAfter }

func (p *PKI) stamps() [3]stamp { return [3]stamp{stampOf(p.cert), stampOf(p.key), stampOf(p.ca)} }

// Run reads the files again whenever one changes, until ctx ends.
func (p *PKI) Run(ctx context.Context, log *slog.Logger) error {
	return whenChanged(ctx, p.papers.Load().stamps, p.stamps, func() {
		if err := p.Reload(); err != nil {
			log.Error("the certificate is not changed: the files cannot be used; this node goes on with what it has", "error", err)
		} else {
			log.Info("the certificate was read again", "file", p.cert, "until", p.papers.Load().cert.Leaf.NotAfter)
		}
	})
}

// check says whether a member's certificate is good. Intermediate authorities
// come with it.
func (n *papers) check(shown []*x509.Certificate, role x509.ExtKeyUsage, now time.Time) error {
	if len(shown) == 0 {
		return errors.New("it shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	_, err := shown[0].Verify(x509.VerifyOptions{Roots: n.roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{role}})
	if err != nil {
		return invalid(err, shown[0], now)
	}
	return nil
}

// words are those for an error of a handshake, or of what follows: with a
// certificate that has expired nothing else need be looked for.
func (p *PKI) words(n *papers, err error) error {
	if ends := n.cert.Leaf.NotAfter; isRemote(err) && p.now().After(ends) {
		return fmt.Errorf("this node's certificate has expired, it was good until %s, and nobody accepts it: put a new one into %s and %s; they are read again by themselves",
			ends.UTC().Format(time.RFC3339), p.cert, p.key)
	}
	return words(err)
}

// Client is Ring.Client for certificates of the operator's own.
func (p *PKI) Client(ctx context.Context, raw net.Conn) (net.Conn, error) {
	n := p.papers.Load()
	cfg := base(func(cs tls.ConnectionState) error {
		return n.check(cs.PeerCertificates, x509.ExtKeyUsageServerAuth, p.now())
	})
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &n.cert, nil }
	return p.shake(ctx, tls.Client(raw, cfg), n, nil)
}

// Server is Ring.Server for certificates of the operator's own.
func (p *PKI) Server(ctx context.Context, raw net.Conn) (net.Conn, error) {
	n := p.papers.Load()
	var told error
	cfg := base(func(cs tls.ConnectionState) error {
		return n.check(cs.PeerCertificates, x509.ExtKeyUsageClientAuth, p.now())
	})
	cfg.Certificates = []tls.Certificate{n.cert}
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		told = oldVersion(h)
		return nil, nil
	}
	return p.shake(ctx, tls.Server(raw, cfg), n, &told)
}

func (p *PKI) shake(ctx context.Context, t *tls.Conn, n *papers, told *error) (net.Conn, error) {
	if err := t.HandshakeContext(ctx); err != nil {
		if told != nil && *told != nil {
			err = *told
		}
		return nil, p.words(n, err)
	}
	return &conn{Conn: t, forget: func() {}, words: func(err error) error { return p.words(n, err) }}, nil
}
