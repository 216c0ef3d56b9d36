// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"
)

// A Certificate is what a front shows its clients: one of the operator's own,
// which they check by its names. Its methods may be called by many goroutines.
type Certificate struct {
	cert, key string // files, PEM
	shown     atomic.Pointer[shown]
}

type shown struct {
	stamps [2]stamp
	cert   tls.Certificate
}

// OpenCertificate reads a certificate with its chain, and its key, which is
// private as the cluster's secret is.
func OpenCertificate(cert, key string) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key}
	return c, c.Reload()
}

// Reload reads the files again. After an error everything stays as it was.
// Connections that exist go on.
func (c *Certificate) Reload() error {
	n := &shown{stamps: c.stamps()}
	var err error
	if n.cert, err = Me().readKey(c.cert, c.key); err != nil {
		return err
	}
	c.shown.Store(n)
	return nil
}

func (c *Certificate) stamps() [2]stamp { return [2]stamp{stampOf(c.cert), stampOf(c.key)} }

// Run reads the files again whenever one changes, until ctx ends.
func (c *Certificate) Run(ctx context.Context, log *slog.Logger) error {
	return whenChanged(ctx, c.shown.Load().stamps, c.stamps, func() {
		if err := c.Reload(); err != nil {
			log.Error("the certificate is not changed: the files cannot be used; this service goes on with what it has", "error", err)
		} else {
			log.Info("the certificate was read again", "file", c.cert, "until", c.shown.Load().cert.Leaf.NotAfter)
		}
	})
}

// Config is for listeners. Clients are other people's programs, some of which
// know no TLS 1.3; 1.2 has only ciphers with forward secrecy in Go.
func (c *Certificate) Config(protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &c.shown.Load().cert, nil }}
}
