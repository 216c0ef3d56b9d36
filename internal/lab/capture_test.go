// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

func TestCaptureIsComplete(t *testing.T) {
	l := New(t, Options{})
	a := listen(t, l.Hosts[0])
	at := l.Hosts[0].Capture(nil)
	to := l.Hosts[1].Capture(func(p Packet) bool { return p.Proto == UDP })
	b := listen(t, l.Hosts[1])
	for range 100 {
		a.say("seen by all") // the first one already
	}
	for range 100 {
		want(t, b.hears(soon), "seen by all@10.77.0.1")
	}
	to.Stop()
	to.Stop()
	at.Stop()
	hello := func(p Packet) bool {
		return p.Dst == netip.MustParseAddrPort("224.0.0.1:6780") && p.Src.Addr() == l.Hosts[0].Addr && string(p.Payload) == "seen by all"
	}
	if n, m := at.Count(hello), to.Count(hello); n != 100 || m != 100 {
		t.Errorf("%d at the sender, %d at the receiver", n, m)
	}
	if n := to.Count(func(p Packet) bool { return p.Proto != UDP }); n != 0 {
		t.Errorf("%d packets were not to be kept", n)
	}
	if !at.Contains([]byte("seen by")) || at.Contains([]byte("never said")) {
		t.Error("Contains")
	}
	file := filepath.Join(t.TempDir(), "c.pcap")
	if err := to.Save(file); err != nil {
		t.Fatal(err)
	}
	out := l.Hosts[0].Run(l.tool("tcpdump", "tcpdump"), "-nr", file)
	if n := strings.Count(out, "10.77.0.1"); n != 100 {
		t.Errorf("tcpdump reads %d:\n%.500s", n, out)
	}
}

// A value that is spread over many segments is found, as a whole only in the
// stream.
func TestCaptureOfAStream(t *testing.T) {
	l := New(t, Options{})
	for _, addr := range []string{"10.77.0.2", "fd77::2"} {
		c := l.Hosts[1].Capture(nil)
		x, y := connect(t, l.Hosts[0], l.Hosts[1], addr)
		x.(*net.TCPConn).SetNoDelay(true)
		long := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		go func() {
			for b := range bytes.SplitSeq([]byte("the,secret,value"), []byte(",")) {
				x.Write(b)
			}
			x.Write(long)
			x.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(io.Discard, y)
		c.Stop()
		if !c.Contains([]byte("thesecretvalue0123")) || !c.Contains(long) || c.Contains([]byte("value1")) {
			t.Errorf("%s: the stream was not put together", addr)
		}
	}
}

func TestCaptureGoesOnAfterLinkDown(t *testing.T) {
	l := New(t, Options{Hosts: 1})
	h := l.Hosts[0]
	c := h.Capture(nil)
	h.LinkDown()
	h.LinkUp()
	listen(t, h).say("after all")
	c.Stop()
	if !c.Contains([]byte("after all")) {
		t.Error("the capture ended with the link")
	}
}

func TestCaptureOnLoopbackSeesOnce(t *testing.T) {
	l := New(t, Options{Hosts: 1})
	h := l.Hosts[0]
	c := h.CaptureOn("lo", func(p Packet) bool { return p.Proto == UDP })
	h.Do(func() {
		if u, err := net.Dial("udp", "127.0.0.1:9"); err == nil {
			u.Write([]byte("once"))
			u.Close()
		}
	})
	c.Stop()
	if n := c.Count(nil); n != 1 {
		t.Errorf("%d packets", n)
	}
}
