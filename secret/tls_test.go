// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A guard is either kind.
type guard interface {
	Client(context.Context, net.Conn) (net.Conn, error)
	Server(context.Context, net.Conn) (net.Conn, error)
}

// pair connects two sockets on loopback.
func pair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// meet has two try to link, and returns what both ends say of it: the dialler's
// error may only come with its first read.
func meet(t *testing.T, dialler, listener guard) (c, s net.Conn, cerr, serr error) {
	t.Helper()
	a, b := pair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s, serr = listener.Server(t.Context(), b); serr != nil {
			b.Close()
			return
		}
		_, serr = s.Write([]byte("hello"))
	}()
	c, cerr = dialler.Client(t.Context(), a)
	if cerr == nil {
		_, cerr = io.ReadFull(c, make([]byte, 5))
	} else {
		a.Close()
	}
	<-done
	return c, s, cerr, serr
}

// TestLink: who has the secret gets in, both ways round.
func TestLink(t *testing.T) {
	old, next := New(), New()
	for _, lists := range [][2][]Secret{{{old}, {old}}, {{old, next}, {old}}, {{old}, {old, next}}, {{next, old}, {old, next}}, {{old, next}, {next, old}}, {{next}, {next, old}}, {{next, old}, {next}}} {
		_, _, cerr, serr := meet(t, NewRing(nil, lists[0]...), NewRing(nil, lists[1]...))
		if cerr != nil || serr != nil {
			t.Errorf("%v: %v, %v", lists, cerr, serr)
		}
	}
}

// BenchmarkLink is what a handshake costs both sides together.
func BenchmarkLink(b *testing.B) {
	r := NewRing(nil, New())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	for b.Loop() {
		done := make(chan error, 1)
		go func() {
			c, err := ln.Accept()
			if err == nil {
				defer c.Close()
				_, err = r.Server(b.Context(), c)
			}
			done <- err
		}()
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		if _, err = r.Client(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

// TestRefusals: both sides say in words what is wrong.
func TestRefusals(t *testing.T) {
	ours, theirs := New(), New()
	late := func() time.Time { return time.Now().Add(3 * lifetime) }
	forged := newAuthority(theirs)
	claimed := *forged.cert
	claimed.RawSubject, claimed.Subject.CommonName = nil, authorityName+ours.Fingerprint()
	forged.cert = &claimed
	// Those who do not care what the listener shows get further than we would.
	shows := func(c *tls.Certificate) guard {
		return clientOf(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}, ServerName: ours.Fingerprint() + serverSuffix, Certificates: []tls.Certificate{*c}})
	}
	for _, c := range []struct {
		name              string
		dialler, listener guard
		cerr, serr        string
	}{
		{"another secret", NewRing(nil, theirs), NewRing(nil, ours), "it uses another secret, fingerprint " + ours.Fingerprint(), "it uses another secret, fingerprint " + theirs.Fingerprint()},
		{"a secret that the listener does not know yet", NewRing(nil, theirs, ours), NewRing(nil, ours), "does not accept this node's certificate", "it uses another secret, fingerprint " + theirs.Fingerprint()},
		{"an expired certificate", shows(newAuthority(ours).issue(time.Now().Add(-2 * lifetime))), NewRing(nil, ours), "bad certificate", "it has expired, or the clocks differ"},
		{"clocks that differ", NewRing(nil, ours), NewRing(late, ours), "it has expired, or the clocks differ", "does not accept"},
		{"a forged authority", shows(forged.issue(time.Now())), NewRing(nil, ours), "bad certificate", "forged"},
		{"a good certificate shown so", shows(newAuthority(ours).issue(time.Now())), NewRing(nil, ours), "", ""},
		{"no certificate", clientOf(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}), NewRing(nil, ours), "", "didn't provide a certificate"},
		{"TLS 1.2", clientOf(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}, MaxVersion: tls.VersionTLS12}), NewRing(nil, ours), "protocol version", "offers no TLS 1.3"},
		{"another protocol", clientOf(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}), NewRing(nil, ours), "application protocol", "application protocol"},
		{"no TLS", NewRing(nil, ours), plain{}, "it answers without TLS: that node has no cluster secret", ""},
	} {
		_, _, cerr, serr := meet(t, c.dialler, c.listener)
		if c.cerr == "" && c.serr == "" && (cerr != nil || serr != nil) {
			t.Errorf("%s: %v, %v", c.name, cerr, serr)
		}
		if c.cerr != "" && (cerr == nil || !strings.Contains(cerr.Error(), c.cerr)) {
			t.Errorf("%s: the dialler says %v", c.name, cerr)
		}
		if c.serr != "" && (serr == nil || !strings.Contains(serr.Error(), c.serr)) {
			t.Errorf("%s: the listener says %v", c.name, serr)
		}
	}
}

// plain answers without TLS.
type plain struct{}

func (plain) Client(_ context.Context, c net.Conn) (net.Conn, error) { return c, nil }
func (plain) Server(_ context.Context, c net.Conn) (net.Conn, error) {
	_, err := c.Write([]byte("LTR1 in the clear"))
	return c, err
}

// clientOf dials with a configuration that is not ours.
func clientOf(c *tls.Config) guard { return foreign{c} }

type foreign struct{ cfg *tls.Config }

func (f foreign) Client(ctx context.Context, c net.Conn) (net.Conn, error) {
	t := tls.Client(c, f.cfg)
	return t, t.HandshakeContext(ctx)
}
func (f foreign) Server(context.Context, net.Conn) (net.Conn, error) { panic("not used") }

// TestNamesNobody: what a stranger who connects gets to see has no name in it.
func TestNamesNobody(t *testing.T) {
	s := New()
	var shown *x509.Certificate
	meet(t, clientOf(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}, VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) (err error) {
		shown, err = x509.ParseCertificate(raw[0])
		return err
	}}), NewRing(nil, s))
	host, _ := os.Hostname()
	if got := shown.Subject.String() + shown.Issuer.String(); got != "CN=lateral nodeCN=lateral secret "+s.Fingerprint() || len(shown.DNSNames)+len(shown.IPAddresses) > 0 || strings.Contains(got, host) {
		t.Errorf("%s", got)
	}
	if life := shown.NotAfter.Sub(shown.NotBefore); life > lifetime+allowance {
		t.Errorf("good for %v", life)
	}
}

// TestRenewal: a process's certificate is always good for half a day more.
func TestRenewal(t *testing.T) {
	a := newAuthority(New())
	first := a.certificate(day)
	if a.certificate(day.Add(lifetime/2)) != first {
		t.Error("renewed too early")
	}
	second := a.certificate(day.Add(lifetime/2 + time.Second))
	if second == first || second.Leaf.NotAfter.Before(day.Add(lifetime)) {
		t.Error("not renewed")
	}
	if a.certificate(day.Add(-lifetime)) == second {
		t.Error("a certificate of the future is shown")
	}
}

// TestRotation goes through the rolling procedure on both ends of a link: it
// stays, until the secret that proved it is gone.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	old, next := New(), New()
	files := [2]string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	var rings [2]*Ring
	for i, f := range files {
		if err := os.WriteFile(f, []byte(Text([]Secret{old}, day)), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenRing(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		rings[i] = r
	}
	c, s, cerr, serr := meet(t, rings[0], rings[1])
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	for _, step := range [][]Secret{{old, next}, {next, old}} {
		for i, f := range files {
			if err := Replace(f, step, day); err != nil {
				t.Fatal(err)
			}
			if changed, err := rings[i].Reload(); !changed || err != nil {
				t.Fatal(changed, err)
			}
			if _, _, cerr, serr := meet(t, rings[0], rings[1]); cerr != nil || serr != nil {
				t.Fatalf("a new link in between: %v, %v", cerr, serr)
			}
			if _, err := s.Write([]byte("still")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A file that can't be used changes nothing.
	if err := os.Chmod(files[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if changed, err := rings[0].Reload(); changed || err == nil || len(rings[0].Fingerprints()) != 2 {
		t.Errorf("loose: %v, %v", changed, err)
	}
	if err := Replace(files[0], []Secret{next}, day); err != nil {
		t.Fatal(err)
	}
	if changed, err := rings[0].Reload(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := s.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a link of a secret that is gone lives on")
	}
	if _, _, cerr, serr := meet(t, rings[0], rings[1]); cerr != nil || serr != nil {
		t.Errorf("the next one: %v, %v", cerr, serr)
	}
	if _, _, cerr, _ := meet(t, rings[0], NewRing(nil, old)); cerr == nil {
		t.Error("the old secret still opens")
	}
}

// TestPKI: certificates of the operator's own, read again on change.
func TestPKI(t *testing.T) {
	dir := t.TempDir()
	ca, foreignCA := newCA(t), newCA(t)
	open := func(a *testCA, trust *testCA, uses ...x509.ExtKeyUsage) (*PKI, error) {
		d, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		a.write(t, d, trust, uses...)
		return OpenPKI(filepath.Join(d, "cert"), filepath.Join(d, "key"), filepath.Join(d, "ca"), nil)
	}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	a, err := open(ca, ca, both...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := open(ca, ca, both...)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, cerr, serr := meet(t, a, b); cerr != nil || serr != nil {
		t.Errorf("%v, %v", cerr, serr)
	}
	stranger, err := open(foreignCA, foreignCA, both...)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, cerr, serr := meet(t, stranger, b); cerr == nil || serr == nil {
		t.Errorf("another authority: %v, %v", cerr, serr)
	}
	if _, _, cerr, _ := meet(t, NewRing(nil, New()), b); cerr == nil || !strings.Contains(cerr.Error(), "it has CertFile") {
		t.Errorf("a secret against certificates: %v", cerr)
	}
	if _, err := open(ca, ca, x509.ExtKeyUsageServerAuth); err == nil || !strings.Contains(err.Error(), "clientAuth and serverAuth") {
		t.Errorf("a certificate that can only serve: %v", err)
	}
	serving := t.TempDir() // a web server's, say, of the same authority
	ca.write(t, serving, ca, x509.ExtKeyUsageServerAuth)
	web, err := tls.LoadX509KeyPair(filepath.Join(serving, "cert"), filepath.Join(serving, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, serr := meet(t, clientOf(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}, Certificates: []tls.Certificate{web}}), b); serr == nil || !strings.Contains(serr.Error(), "cannot be accepted") {
		t.Errorf("a certificate for servers dials: %v", serr)
	}
	if _, err := open(ca, foreignCA, both...); err == nil {
		t.Error("a certificate that no peer would accept")
	}
	if err := os.Chmod(b.key, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a loose key: %v", err)
	}
	if err := os.Chmod(b.key, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666} {
		if err := os.Chmod(b.ca, mode); err != nil {
			t.Fatal(err)
		}
		if err := b.Reload(); !errors.Is(err, ErrWritable) || !strings.Contains(err.Error(), "chmod go-w "+b.ca) {
			t.Errorf("an authority that others may replace (%o): %v", mode, err)
		}
	}
	if err := os.Chmod(b.ca, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(); err != nil {
		t.Errorf("an authority that all may read: %v", err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(b.ca, 4711, 4711); err != nil {
			t.Fatal(err)
		}
		if err := b.Reload(); !errors.Is(err, ErrWritable) {
			t.Errorf("another's authority: %v", err)
		}
	}
	// After a change of the authority the next links are proven by the new one.
	foreignCA.write(t, filepath.Dir(b.cert), foreignCA, both...)
	if err := b.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, _, cerr, serr := meet(t, stranger, b); cerr != nil || serr != nil {
		t.Errorf("after the change: %v, %v", cerr, serr)
	}
}

// TestExpiredPKI: both sides say whose certificate is over, whoever dials.
func TestExpiredPKI(t *testing.T) {
	ca, now := newCA(t), time.Now()
	var nodes [2]*PKI
	for i, life := range []time.Duration{3 * time.Hour, time.Hour} {
		d := t.TempDir()
		ca.writeUntil(t, now.Add(life), d, ca, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth)
		p, err := OpenPKI(filepath.Join(d, "cert"), filepath.Join(d, "key"), filepath.Join(d, "ca"), func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = p
	}
	good, late := nodes[0], nodes[1]
	if _, _, cerr, serr := meet(t, good, late); cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	now = now.Add(2 * time.Hour)
	own := "this node's certificate has expired, it was good until " + late.Ends().UTC().Format(time.RFC3339)
	const its = "it has expired, or the clocks differ"
	if _, _, cerr, serr := meet(t, good, late); cerr == nil || !strings.Contains(cerr.Error(), its) || serr == nil || !strings.Contains(serr.Error(), own) {
		t.Errorf("it is dialled: %v; %v", cerr, serr)
	}
	if _, _, cerr, serr := meet(t, late, good); cerr == nil || !strings.Contains(cerr.Error(), own) || serr == nil || !strings.Contains(serr.Error(), its) {
		t.Errorf("it dials: %v; %v", cerr, serr)
	}
	if err := late.Reload(); err == nil || !strings.Contains(err.Error(), its) {
		t.Errorf("it is read: %v", err)
	}
}

// A testCA signs certificates as an operator's does.
type testCA struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

func newCA(t *testing.T) *testCA {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(4 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	return &testCA{sign(tpl, tpl, public, key), key}
}

// write makes the three files of a node.
func (a *testCA) write(t *testing.T, dir string, trust *testCA, uses ...x509.ExtKeyUsage) {
	t.Helper()
	a.writeUntil(t, time.Now().Add(time.Hour), dir, trust, uses...)
}

func (a *testCA) writeUntil(t *testing.T, until time.Time, dir string, trust *testCA, uses ...x509.ExtKeyUsage) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := sign(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: until, ExtKeyUsage: uses}, a.cert, public, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: c.Raw}, "key": {Type: "PRIVATE KEY", Bytes: der}, "ca": {Type: "CERTIFICATE", Bytes: trust.cert.Raw}} {
		os.Remove(filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
