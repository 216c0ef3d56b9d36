// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// How long a certificate of a process is good for. It is renewed at half of
// that; the allowance is for clocks that differ.
const (
	lifetime  = 24 * time.Hour
	allowance = time.Hour
)

// authorityName is the issuer's name, before the fingerprint.
const authorityName = "lateral secret "

// An authority signs certificates with a key that only who has the secret can
// have. Its own certificate is the same on all nodes, byte for byte.
type authority struct {
	secret Secret
	key    ed25519.PrivateKey
	cert   *x509.Certificate
	roots  *x509.CertPool

	mu   sync.Mutex // guards what follows
	leaf *tls.Certificate
}

func newAuthority(s Secret) *authority {
	key := ed25519.NewKeyFromSeed(s.derive(forAuthority, ed25519.SeedSize))
	t := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: authorityName + s.Fingerprint()},
		NotBefore:             time.Unix(0, 0),                                  // some hosts wake up without a clock
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280: none
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	a := &authority{secret: s, key: key, cert: sign(t, t, key.Public(), key), roots: x509.NewCertPool()}
	a.roots.AddCert(a.cert)
	return a
}

// sign makes a certificate. It fails only on templates that are wrong.
func sign(t, parent *x509.Certificate, public any, key ed25519.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, key)
	if err == nil {
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(der); err == nil {
			return c
		}
	}
	panic(fmt.Sprintf("secret: a certificate cannot be made: %v", err))
}

// certificate returns this process's, fresh enough.
func (a *authority) certificate(now time.Time) *tls.Certificate {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.leaf; l == nil || now.Before(l.Leaf.NotBefore) || now.Add(lifetime/2).After(l.Leaf.NotAfter) {
		a.leaf = a.issue(now)
	}
	return a.leaf
}

func (a *authority) issue(now time.Time) *tls.Certificate {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil { // crypto/rand does not fail
		panic(err)
	}
	serial := make([]byte, 16)
	rand.Read(serial)
	c := sign(&x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: "lateral node"}, // whoever connects sees it: it names nobody
		NotBefore:    now.Add(-allowance),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, a.cert, public, a.key)
	return &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

// check returns whose certificate the other side showed: that of one of the
// authorities, for that role, at that time.
func (k *keys) check(shown []*x509.Certificate, role x509.ExtKeyUsage, now time.Time) (*authority, error) {
	if len(shown) == 0 {
		return nil, errors.New("it shows no certificate")
	}
	leaf := shown[0]
	for _, a := range k.authorities {
		if leaf.Issuer.CommonName != a.cert.Subject.CommonName {
			continue
		}
		_, err := leaf.Verify(x509.VerifyOptions{Roots: a.roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{role}})
		if err != nil {
			return nil, invalid(err, leaf, now)
		}
		return a, nil
	}
	if f, ok := strings.CutPrefix(leaf.Issuer.CommonName, authorityName); ok && isFingerprint(f) {
		return nil, &Other{f}
	}
	return nil, fmt.Errorf("its certificate is from %.64q, not made of a cluster secret: it has CertFile, or is no node of Lateral's", leaf.Issuer.CommonName)
}

// invalid says what is wrong with a certificate.
func invalid(err error, leaf *x509.Certificate, now time.Time) error {
	if e := (x509.CertificateInvalidError{}); errors.As(err, &e) && e.Reason == x509.Expired {
		return fmt.Errorf("its certificate is good from %s to %s, and here it is %s: it has expired, or the clocks differ",
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if e := (x509.UnknownAuthorityError{}); errors.As(err, &e) {
		return errors.New("its certificate is forged: it claims an authority that did not sign it")
	}
	return fmt.Errorf("its certificate cannot be accepted: %w", err)
}

// isFingerprint keeps what strangers send out of terminals.
func isFingerprint(s string) bool {
	return len(s) == 2*fingerprintSize && strings.Trim(s, "0123456789abcdef") == ""
}
