// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lateral/ccf"
	"lateral/doctor"
	"lateral/secret"
)

// selfSigned writes a certificate that is its own authority, good for as long, and its key.
func selfSigned(t *testing.T, dir string, long time.Duration) (cert, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(long), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	must(t, err)
	secretDER, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	cert, key = filepath.Join(dir, "node.pem"), filepath.Join(dir, "node.key")
	must(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secretDER}), 0o600))
	return cert, key
}

// TestCertificatesJudged: a certificate of a node's own is spoken of a week
// before its end, and a key that others may read is refused with the command.
func TestCertificatesJudged(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, x := range []struct {
		long  time.Duration
		mode  os.FileMode
		worst doctor.Severity
		text  string
	}{
		{30 * day, 0o600, doctor.Ok, ""},
		{6 * day, 0o600, doctor.Warning, "node.pem is good until "},
		{-time.Minute, 0o600, doctor.Failure, "node.pem: "},
		{30 * day, 0o640, doctor.Failure, "chmod 600 "},
	} {
		dir := t.TempDir()
		cert, key := selfSigned(t, dir, x.long)
		must(t, os.Chmod(key, x.mode))
		f := judge(ccf.Auxiliary{Name: "A", Lateral: &ccf.Lateral{CertFile: cert, KeyFile: key, CAFile: cert, Receive: true}}, secret.Me())
		switch {
		case f == nil && x.worst != doctor.Ok:
			t.Errorf("good for %v, %o: all is well", x.long, x.mode)
		case f == nil:
		case f.Severity != x.worst || !strings.Contains(f.Saw+"\n"+strings.Join(f.Run, "\n"), x.text) || f.Why == "" || f.Do == "":
			t.Errorf("good for %v, %o: %+v", x.long, x.mode, f)
		}
	}
}
