// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"lateral/resp"
)

// ended waits until the other side has closed a connection.
func ended(t *testing.T, c *conn) {
	t.Helper()
	if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
		t.Errorf("it is not closed: %q, %v", b, err)
	}
}

// TestStrangersMakeRoom: who has not given the password holds nobody up, whatever
// the number of connections; who has stays.
func TestStrangersMakeRoom(t *testing.T) {
	s := newSite(t, 1, locked(t), func(c *resp.Config) { c.MaxClients = 4 })
	var in []*conn
	enter := func() {
		c := dial(t, s.socks[0])
		c.expect("OK", "AUTH", "secret")
		in = append(in, c)
	}
	enter()
	enter()
	first := dial(t, s.socks[0])
	for range 50 {
		dial(t, s.socks[0])
	}
	ended(t, first)
	enter()
	enter()
	if got := dial(t, s.socks[0]).answer(); got != "-ERR max number of clients reached" {
		t.Errorf("full of clients: %s", got)
	}
	for _, c := range in {
		c.expect("PONG", "PING")
	}
	in[0].expect("RESET", "RESET") // outside again, where it makes room
	dial(t, s.socks[0]).expect("OK", "AUTH", "secret")
	ended(t, in[0])
	in[1].expect("PONG", "PING")
}

// TestStrangersAreBounded: those of one address are so many, and the oldest of
// them goes.
func TestStrangersAreBounded(t *testing.T) {
	s := newSite(t, 1, locked(t))
	in, first := dial(t, s.socks[0]), dial(t, s.socks[0])
	in.expect("OK", "AUTH", "secret")
	first.expect("-NOAUTH Authentication required.", "PING") // it has been let to the door
	var last *conn
	for range resp.MaxStrangersOfOne {
		last = dial(t, s.socks[0])
	}
	ended(t, first)
	last.expect("OK", "AUTH", "secret")
	in.expect("PONG", "PING")
}

// TestFullOfTLS: when there is no room, who connects and is silent holds up
// neither those who are in nor who comes next: telling him would take a
// handshake.
func TestFullOfTLS(t *testing.T) {
	m, err := resp.ParseMap("0=Loc")
	if err != nil {
		t.Fatal(err)
	}
	n := newSite(t, 1).nodes[0]
	f, err := resp.New(resp.Config{Map: m, MaxClients: 1, Open: func(name string) (resp.Region, error) { return n.Store(name) }})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx, tls.NewListener(raw, selfSigned(t))) }()
	secured := func() *conn {
		c, err := tls.Dial("tcp", raw.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(time.Minute))
		return &conn{t, c, bufio.NewReader(c)}
	}
	in := secured()
	in.expect("PONG", "PING")
	silent, err := net.Dial("tcp", raw.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	silent.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("there is no room, and he is not sent away: %v", err)
	}
	in.expect("OK", "CONFIG", "SET", "maxclients", "2")
	secured().expect("PONG", "PING")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// selfSigned makes a certificate that nobody need believe.
func selfSigned(t *testing.T) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
