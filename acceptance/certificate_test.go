// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
	"lateral/secret"
)

// An authority is an operator's own, which signs for nodes.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	var public ed25519.PublicKey
	public, a.key = a.pair()
	a.cert = a.sign(a.cert, public)
	return a
}

func (a *authority) pair() (ed25519.PublicKey, ed25519.PrivateKey) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return public, key
}

func (a *authority) sign(c *x509.Certificate, public any) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		a.t.Fatal(err)
	}
	return c
}

// give writes the three files of a host, with a certificate that is good until
// then.
func (a *authority) give(h *lab.Host, until time.Time) {
	a.t.Helper()
	public, key := a.pair()
	c := a.sign(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "node"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}, public)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	dir := filepath.Join(h.Dir, "etc")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		a.t.Fatal(err)
	}
	for _, f := range []struct {
		name, kind string
		bytes      []byte
	}{{"node.key", "PRIVATE KEY", der}, {"ca.pem", "CERTIFICATE", a.cert.Raw}, {"node.pem", "CERTIFICATE", c.Raw}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.bytes}), 0o600); err != nil {
			a.t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			a.t.Fatal(err)
		}
	}
}

// TestExpiredCertificate: a node whose certificate, of the operator's own
// authority, has expired keeps its links, gets no new ones, and is told of on
// both sides, by doctor too. With a new one it is back.
func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Hosts: 3})
	s.edit = func(_, text string) string {
		return text + perAuxiliary(text, "CertFile=../node.pem", "KeyFile=../node.key", "CAFile=../ca.pem")
	}
	ca := newAuthority(t)
	one, late := s.Hosts[0], s.Hosts[2]
	ca.give(one, time.Now().Add(time.Hour))
	ca.give(s.Hosts[1], time.Now().Add(time.Hour))
	ca.give(late, time.Now().Add(10*time.Second))
	first := s.run(one, "groupware")
	s.run(s.Hosts[1], "groupware")
	s.run(late, "groupware").WaitLine("announcements are plain: they show names, and who is on the segment can forge them", 10*time.Second)
	s.whole(3, s.Hosts...)
	s.told(late, "is good until")
	lab.Eventually(t, 20*time.Second, func() error {
		if st, _ := s.mesh(late); !strings.Contains(strings.Join(st.Notes, "\n"), "has expired, at") || !st.Complete {
			return fmt.Errorf("complete %v, %q", st.Complete, st.Notes)
		}
		return nil
	})
	first.Kill()
	s.run(one, "groupware").WaitLine("msg=started", 10*time.Second)
	s.told(one, "neighbour "+late.Addr.String()+": its certificate is good from")
	s.told(late, "neighbour "+one.Addr.String()+": this node's certificate has expired, it was good until")
	if out, _ := s.lateral(one, "doctor"); !strings.Contains(out, "it has expired, or the clocks differ") {
		t.Errorf("doctor of who refuses: %s", out)
	}
	if out, code := s.lateral(late, append([]string{"doctor"}, s.files(late, "groupware")...)...); code != 2 || !strings.Contains(out, "node.pem: no peer would accept it") || !strings.Contains(out, "it has expired") {
		t.Errorf("doctor of who is refused: %d, %s", code, out)
	}
	st, _ := s.mesh(one)
	if st.Complete {
		t.Error("the mesh is called complete")
	}
	if joined(st, one, late) {
		t.Errorf("there is a link: %+v", st.Links)
	}
	ca.give(late, time.Now().Add(time.Hour))
	s.whole(3, s.Hosts...)
}

// joined reports whether a mesh has a link between two hosts.
func joined(st cache.MeshStatus, a, b *lab.Host) bool {
	return slices.ContainsFunc(st.Links, func(l cache.LinkStatus) bool {
		ends := []string{l.From.Host, l.To.Host}
		return slices.Contains(ends, a.Name) && slices.Contains(ends, b.Name)
	})
}

// TestExpiredByClock: a node whose clock is days off makes certificates of the
// cluster's secret that are over, or are not yet good.
func TestExpiredByClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-72 * time.Hour, 72 * time.Hour} {
		s := newSite(t, lab.Options{Hosts: 2})
		s.edit = func(_, text string) string {
			return text + perAuxiliary(text, strings.TrimSpace(secretLine), "UdpDiscoveryEnabled=false", "TcpServers=10.77.0.1:57462,10.77.0.2:57462")
		}
		k := secret.New()
		for _, h := range s.Hosts {
			s.give(h, k)
		}
		s.run(s.Hosts[0], "groupware").WaitLine("msg=started", 10*time.Second)
		off2 := s.Hosts[1]
		cmd := exec.Command(os.Args[0], "groupware", s.runtimeDir(off2), s.files(off2, "groupware")[1])
		cmd.Env = append(os.Environ(), clockOff+"="+off.String())
		p, err := off2.StartCmd(cmd)
		if err != nil {
			t.Fatal(err)
		}
		p.WaitLine("links are proven", 10*time.Second)
		for i, h := range s.Hosts {
			why := "neighbour " + s.Hosts[1-i].Addr.String() + ": its certificate is good from"
			s.told(h, why)
			if out, _ := s.lateral(h, "doctor"); !strings.Contains(out, why) {
				t.Errorf("%v: doctor on %s: %s", off, h.Name, out)
			}
			if st, _ := s.mesh(h); st.Complete || joined(st, s.Hosts[0], s.Hosts[1]) {
				t.Errorf("%v: %s: complete %v, links %+v", off, h.Name, st.Complete, st.Links)
			}
		}
	}
}
