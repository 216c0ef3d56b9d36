// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/nettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	addrA = netip.MustParseAddr("10.77.0.1")
	addrB = netip.MustParseAddr("10.77.0.2")
	addrC = netip.MustParseAddr("fd77::3")
)

// pair returns both ends of a connection from a to b.
func pair(t *testing.T, a, b *Host) (c, d net.Conn) {
	t.Helper()
	l, err := b.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err = a.Dial(context.Background(), l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if d, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return c, d
}

// edges are the twin and the real thing: every test of suite passes on both.
var edges = []struct {
	name   string
	listen func() (net.Listener, func(ctx context.Context, addr string) (net.Conn, error), error)
}{
	{"memnet", func() (net.Listener, func(context.Context, string) (net.Conn, error), error) {
		n := New()
		l, err := n.Host(addrB).Listen(0)
		return l, n.Host(addrA).Dial, err
	}},
	{"loopback", func() (net.Listener, func(context.Context, string) (net.Conn, error), error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		return l, func(ctx context.Context, addr string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		}, err
	}},
}

func TestNettest(t *testing.T) {
	for _, e := range edges {
		t.Run(e.name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				l, dial, err := e.listen()
				if err != nil {
					return nil, nil, nil, err
				}
				if c1, err = dial(context.Background(), l.Addr().String()); err != nil {
					return nil, nil, nil, err
				}
				c2, err = l.Accept()
				return c1, c2, func() { c1.Close(); c2.Close(); l.Close() }, err
			})
		})
	}
}

type lingerer interface{ SetLinger(sec int) error }
type halfCloser interface{ CloseWrite() error }

// suite is how connections end, on the twin as on loopback TCP.
var suite = []struct {
	name string
	run  func(t *testing.T, c, d net.Conn)
}{
	{"FIN leaves what was written", func(t *testing.T, c, d net.Conn) {
		write(t, c, "last words")
		c.Close()
		if b, err := io.ReadAll(d); string(b) != "last words" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
	}},
	{"half close still reads", func(t *testing.T, c, d net.Conn) {
		write(t, c, "question")
		c.(halfCloser).CloseWrite()
		if b, err := io.ReadAll(d); string(b) != "question" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		write(t, d, "answer")
		d.Close()
		if b, err := io.ReadAll(c); string(b) != "answer" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write after CloseWrite: %v", err)
		}
	}},
	{"linger 0 resets", func(t *testing.T, c, d net.Conn) {
		c.(lingerer).SetLinger(0)
		c.Close()
		if _, err := d.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
	}},
	{"closing with unread bytes resets", func(t *testing.T, c, d net.Conn) {
		write(t, d, "never read")
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if _, err := d.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
	}},
	{"writing to one who left is answered with a reset", func(t *testing.T, c, d net.Conn) {
		c.Close()
		if _, err := d.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("read: %v", err)
		}
		var err error
		for err == nil { // the first goes out; loopback may take a moment to answer
			_, err = d.Write([]byte("x"))
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: %v", err)
		}
	}},
	{"a full buffer blocks the writer", func(t *testing.T, c, d net.Conn) {
		much := make([]byte, 64<<20)
		c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := c.Write(much)
		if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 || n >= 64<<20 {
			t.Fatalf("wrote %d, %v", n, err)
		}
		c.Close()
		if got, err := io.Copy(io.Discard, d); got != int64(n) || err != nil {
			t.Errorf("written %d, read %d, %v", n, got, err)
		}
	}},
	{"use after Close", func(t *testing.T, c, d net.Conn) {
		c.Close()
		_, rerr := c.Read(make([]byte, 1))
		_, werr := c.Write([]byte("x"))
		for what, err := range map[string]error{"read": rerr, "write": werr, "close": c.Close(), "deadline": c.SetDeadline(time.Time{})} {
			var op *net.OpError
			if !errors.Is(err, net.ErrClosed) || !errors.As(err, &op) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}},
	{"addresses", func(t *testing.T, c, d net.Conn) {
		if c.LocalAddr().String() != d.RemoteAddr().String() || c.RemoteAddr().String() != d.LocalAddr().String() {
			t.Errorf("%v-%v, %v-%v", c.LocalAddr(), c.RemoteAddr(), d.LocalAddr(), d.RemoteAddr())
		}
		if _, ok := c.LocalAddr().(*net.TCPAddr); !ok {
			t.Errorf("%T", c.LocalAddr())
		}
	}},
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatal(err)
	}
}

func TestEnds(t *testing.T) {
	for _, e := range edges {
		for _, s := range suite {
			t.Run(e.name+"/"+s.name, func(t *testing.T) {
				l, dial, err := e.listen()
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				c, err := dial(context.Background(), l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				d, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				s.run(t, c, d)
			})
		}
	}
}

func TestListenerOnBothEdges(t *testing.T) {
	for _, e := range edges {
		t.Run(e.name, func(t *testing.T) {
			l, dial, err := e.listen()
			if err != nil {
				t.Fatal(err)
			}
			c, err := dial(context.Background(), l.Addr().String()) // never accepted
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			l.Close()
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read from the backlog of a closed listener: %v", err)
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("accept: %v", err)
			}
			var op *net.OpError
			if _, err := dial(context.Background(), l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &op) {
				t.Errorf("dial: %v", err)
			}
		})
	}
}

func TestDeadlinesInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, _ := pair(t, n.Host(addrA), n.Host(addrB))
		start := time.Now()
		c.SetReadDeadline(start.Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("took %v", d)
		}
		c.SetReadDeadline(start.Add(6 * time.Second))
		c.SetReadDeadline(time.Time{})
		read := make(chan error)
		go func() {
			_, err := c.Read(make([]byte, 1))
			read <- err
		}()
		time.Sleep(time.Hour)
		c.Close()
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a deadline taken back still ended the read: %v", err)
		}
	})
}

func TestBufferIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		var wrote int
		done := make(chan struct{})
		go func() {
			wrote, _ = c.Write(make([]byte, Buffer+1))
			close(done)
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("one byte too many found room")
		default:
		}
		d.Read(make([]byte, 1))
		<-done
		if wrote != Buffer+1 {
			t.Errorf("wrote %d", wrote)
		}
	})
}

func TestWritesAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		for _, b := range []byte("ab") {
			go c.Write(bytes.Repeat([]byte{b}, 2*Buffer))
		}
		got := make([]byte, 4*Buffer)
		for i := range 16 { // leave the writers time to mix
			synctest.Wait()
			io.ReadFull(d, got[i*Buffer/4:(i+1)*Buffer/4])
		}
		if changes := 1 + strings.Count(string(got), "ab") + strings.Count(string(got), "ba"); changes != 2 {
			t.Errorf("%d pieces", changes)
		}
	})
}
