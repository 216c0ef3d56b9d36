// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"io"
	"net"
	"strings"
	"testing"
)

// TestVisit: a connection that only measures the way is to its reader one that
// was closed without a word; any other is read as it was written.
func TestVisit(t *testing.T) {
	ln, err := machine{}.Listen("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	zeros := strings.Repeat("\x00", 2000)
	for say, want := range map[string]string{
		wayOpening:                           "",
		wayOpening + zeros:                   "",
		wayOpening + strings.Repeat("x", 99): "",
		"LTR1" + zeros:                       "LTR1" + zeros,
		"LTR":                                "LTR",
		"L":                                  "L",
		"":                                   "",
		zeros + wayOpening:                   zeros + wayOpening,
	} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		in, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, say); err != nil {
			t.Fatal(err)
		}
		c.(*net.TCPConn).CloseWrite()
		var head [4]byte
		n, err := io.ReadFull(in, head[:])
		rest, _ := io.ReadAll(in)
		if got := string(head[:n]) + string(rest); got != want {
			t.Errorf("%.8q (%d bytes) is read as %.8q (%d bytes), %v", say, len(say), got, len(got), err)
		}
		if _, half := in.(interface{ CloseWrite() error }); !half {
			t.Error("it can't be closed by half")
		}
		in.Close()
		c.Close()
	}
}

// TestVisitEnds: of who goes on for ever no more is thrown away than a way takes.
func TestVisitEnds(t *testing.T) {
	ln, err := machine{}.Listen("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan int64, 1)
	go func() {
		io.WriteString(c, wayOpening)
		n, _ := io.Copy(c, endless{})
		sent <- n
	}()
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var head [4]byte
	if n, err := io.ReadFull(in, head[:]); n != 0 || err != io.EOF {
		t.Errorf("%d bytes, %v", n, err)
	}
	in.Close()
	<-sent // it is refused
	c.Close()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }
