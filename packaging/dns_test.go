// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"lateral/internal/lab"
)

// names answers for one name, as the DNS of a headless service does: with the
// addresses of all pods that there are.
type names struct {
	mu    sync.Mutex
	addrs []netip.Addr
	count int
}

func serveDNS(t *testing.T, h *lab.Host, name string) *names {
	t.Helper()
	var conn net.PacketConn
	var err error
	h.Do(func() { conn, err = net.ListenPacket("udp4", netip.AddrPortFrom(h.Addr, 53).String()) })
	if err != nil {
		t.Fatal(err)
	}
	n := &names{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			if b, err := n.answer(buf[:size], name); err == nil {
				conn.WriteTo(b, from) // who is not answered asks again
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return n
}

func (n *names) add(a netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs = append(n.addrs, a)
}

func (n *names) asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count
}

func (n *names) answer(question []byte, name string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative = true, true
	m.Additionals = nil
	q := m.Questions[0]
	if strings.TrimSuffix(q.Name.String(), ".") != name {
		m.RCode = dnsmessage.RCodeNameError
		return m.Pack()
	}
	n.count++
	for _, a := range n.addrs {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 5}, Body: &dnsmessage.AResource{A: a.As4()}})
		}
	}
	return m.Pack()
}
