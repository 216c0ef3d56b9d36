// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
)

// protocol is what both sides name in the handshake (ALPN): TLS that was meant
// for something else ends there.
const protocol = "lateral"

// serverSuffix ends what a dialler asks for, after the fingerprint of its secret.
const serverSuffix = ".lateral"

// base is what all TLS here has in common. The other side's certificate is
// checked by VerifyConnection alone, on both sides: names mean nothing, as
// peers are dialled where they were heard.
func base(verify func(tls.ConnectionState) error) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocol},
		SessionTicketsDisabled: true, // each link is proven anew
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true,
		VerifyConnection:       verify,
	}
}

// A conn is a link under TLS. It is forgotten when it is closed.
type conn struct {
	*tls.Conn
	forget func()
	words  func(error) error
	own    *authority // who signed ours; nil: own PKI
	theirs *authority
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		err = c.words(err)
	}
	return n, err
}

func (c *conn) Close() error {
	c.forget()
	return c.Conn.Close()
}

// Client puts a connection that was dialled under TLS. Errors say what is
// wrong in words; the connection is then the caller's to close.
func (r *Ring) Client(ctx context.Context, raw net.Conn) (net.Conn, error) {
	k := r.keys.Load()
	c := &conn{own: k.authorities[0], words: words}
	cfg := base(func(cs tls.ConnectionState) (err error) {
		c.theirs, err = k.check(cs.PeerCertificates, x509.ExtKeyUsageServerAuth, r.now())
		return err
	})
	cfg.ServerName = c.own.secret.Fingerprint() + serverSuffix
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return c.own.certificate(r.now()), nil
	}
	c.Conn = tls.Client(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, words(err)
	}
	return r.adopt(c)
}

// Server puts a connection that was accepted under TLS, until the deadline
// that it has. Errors say what is wrong in words.
func (r *Ring) Server(ctx context.Context, raw net.Conn) (net.Conn, error) {
	k := r.keys.Load()
	c := &conn{own: k.authorities[0], words: words}
	var told error // by the dialler's first message, better than what comes of it
	cfg := base(func(cs tls.ConnectionState) (err error) {
		c.theirs, err = k.check(cs.PeerCertificates, x509.ExtKeyUsageClientAuth, r.now())
		return err
	})
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		var own *authority
		if own, told = k.greet(h); own != nil {
			c.own = own
		}
		return nil, nil
	}
	cfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.own.certificate(r.now()), nil }
	c.Conn = tls.Server(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		if told != nil {
			err = told
		}
		return nil, words(err)
	}
	return r.adopt(c)
}

// greet looks at a dialler's first message: which secret does it use, and what
// will come to nothing? The handshake goes on in any case, as the other side
// learns best from our certificate what is wrong.
func (k *keys) greet(h *tls.ClientHelloInfo) (*authority, error) {
	if err := oldVersion(h); err != nil {
		return nil, err
	}
	f, ok := strings.CutSuffix(h.ServerName, serverSuffix)
	if !ok || !isFingerprint(f) {
		return nil, nil
	}
	for _, a := range k.authorities {
		if a.secret.Fingerprint() == f {
			return a, nil
		}
	}
	return nil, &Other{f}
}

func oldVersion(h *tls.ClientHelloInfo) error {
	if slices.Contains(h.SupportedVersions, tls.VersionTLS13) {
		return nil
	}
	return errors.New("it offers no TLS 1.3, and nothing older is spoken")
}

// adopt keeps a link for as long as its secrets are valid.
func (r *Ring) adopt(c *conn) (net.Conn, error) {
	c.forget = sync.OnceFunc(func() {
		r.mu.Lock()
		delete(r.links, c)
		r.mu.Unlock()
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.validLocked(c) {
		return nil, fmt.Errorf("the secret %s has just been taken out of this node's file", c.theirs.secret.Fingerprint())
	}
	r.links[c] = struct{}{}
	return c, nil
}

func (r *Ring) validLocked(c *conn) bool {
	k := r.keys.Load()
	return slices.Contains(k.secrets, c.own.secret) && slices.Contains(k.secrets, c.theirs.secret)
}

// closeForeignLocked closes the links whose secret is gone. Both sides then
// dial anew, with what is valid.
func (r *Ring) closeForeignLocked() {
	for c := range r.links {
		if !r.validLocked(c) {
			delete(r.links, c)
			c.NetConn().Close() // at once: what the other side says is not to be believed any more
		}
	}
}

// ErrTheyRefuse is wrapped where the other side has refused, and has said no more
// than that.
var ErrTheyRefuse = errors.New("it does not accept this node's certificate")

// words makes a TLS error one that an operator can act on.
func words(err error) error {
	if plain := (tls.RecordHeaderError{}); errors.As(err, &plain) {
		return fmt.Errorf("it answers without TLS: that node has no cluster secret; give it this cluster's with ClusterSecretFile (%w)", err)
	}
	if op := (*net.OpError)(nil); isRemote(err) && errors.As(err, &op) {
		if op.Err.Error() == "tls: access denied" { // package mesh says so before anything is computed
			return errors.New("it takes no handshakes for now: too many came from this address, or from strangers, and proved nothing; its log says from whom")
		}
		return fmt.Errorf("%w (%w): its secret is another, or the clocks differ; its log says which", ErrTheyRefuse, op.Err)
	}
	if bad := (*tls.CertificateVerificationError)(nil); errors.As(err, &bad) {
		return bad.Err
	}
	return err
}

// isRemote reports whether the other side has ended the handshake, by an alert.
func isRemote(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "remote error"
}
