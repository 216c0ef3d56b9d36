// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// reader collects what arrives; it ends with the connection.
func reader(c net.Conn) (got func() string, end <-chan error) {
	data := make(chan string, 1)
	data <- ""
	done := make(chan error, 1)
	go func() {
		b := make([]byte, 1024)
		for {
			k, err := c.Read(b)
			data <- <-data + string(b[:k])
			if err != nil {
				done <- err
				return
			}
		}
	}()
	return func() string {
		synctest.Wait()
		s := <-data
		data <- s
		return s
	}, done
}

func TestBlockHoldsBytesUntilHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		got, end := reader(d)
		write(t, c, "before ")
		n.Block(addrA, addrB)
		write(t, c, "during ")
		write(t, d, "the other way")
		b := make([]byte, 99)
		if k, err := c.Read(b); string(b[:k]) != "the other way" || err != nil {
			t.Errorf("got %q, %v", b[:k], err)
		}
		time.Sleep(time.Hour)
		if s := got(); s != "before " {
			t.Errorf("while blocked: %q", s)
		}
		c.Close() // the kernel goes on trying for a closed socket
		n.Heal(addrB, addrA)
		if err := <-end; got() != "before during " || err != io.EOF {
			t.Errorf("after heal: %q, %v", got(), err)
		}
		d.Close()
	})
}

func TestBlockedWayBackFillsTheBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		n.Block(addrB, addrA)
		go io.Copy(io.Discard, d)
		c.SetWriteDeadline(time.Now().Add(time.Minute))
		if k, err := c.Write(make([]byte, 2*Buffer)); k != Buffer || err == nil {
			t.Errorf("without acknowledgements wrote %d, %v", k, err)
		}
		n.HealAll()
		c.SetWriteDeadline(time.Time{})
		if _, err := c.Write(make([]byte, 2*Buffer)); err != nil {
			t.Error(err)
		}
		c.Close()
		synctest.Wait()
		d.Close()
	})
}

func TestDelayKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		got, end := reader(d)
		start := time.Now()
		n.SetDelay(addrA, addrB, 100*time.Millisecond)
		write(t, c, "slow ")
		n.SetDelay(addrA, addrB, 0)
		write(t, c, "fast")
		if s := got(); s != "" {
			t.Errorf("arrived at once: %q", s)
		}
		c.Close()
		if err := <-end; got() != "slow fast" || err != io.EOF || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%q, %v, %v", got(), err, time.Since(start))
		}
		d.Close()
	})
}

func TestKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, b := n.Host(addrA), n.Host(addrB)
		other := b.Process()
		l, err := b.Listen(7000)
		if err != nil {
			t.Fatal(err)
		}
		c, d := pair(t, a, b)
		survivor, _ := pair(t, a, other)
		write(t, d, "arrived")
		n.SetDelay(addrB, addrA, time.Second)
		write(t, d, "in flight")
		b.Kill()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		if _, err := d.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write of a dead process: %v", err)
		}
		if b, err := io.ReadAll(c); string(b) != "arrived" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer read %q, %v", b, err)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer's write: %v", err)
		}
		write(t, survivor, "another process of that machine lives")
		if ls := n.Established(); len(ls) != 1 {
			t.Errorf("established: %v", ls)
		}
		if _, err := b.Listen(7000); err != nil {
			t.Errorf("restart: %v", err)
		}
	})
}

// A link is answered once each end has read what the other said.
func TestAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		says := func(want bool) {
			t.Helper()
			if ls := n.Established(); len(ls) != 1 || ls[0].Answered != want {
				t.Errorf("%+v, want answered %v", ls, want)
			}
		}
		read := func(c net.Conn) {
			t.Helper()
			if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		write(t, c, "a")
		write(t, d, "b")
		says(false)
		read(d)
		says(false)
		read(c)
		says(true)
	})
}

func TestExitFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		n.SetDelay(addrB, addrA, time.Second)
		write(t, d, "in flight")
		n.Host(addrB).Exit()
		if b, err := io.ReadAll(c); string(b) != "in flight" || err != nil {
			t.Errorf("the peer read %q, %v", b, err)
		}
	})
}

// A RST that is dropped is not repeated: the peer finds out when it writes.
func TestKillBehindPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, _ := pair(t, n.Host(addrA), n.Host(addrB))
		full, _ := pair(t, n.Host(addrA), n.Host(addrB))
		n.Partition(addrA, addrB)
		werr := make(chan error)
		go func() {
			_, err := full.Write(make([]byte, Buffer+1))
			werr <- err
		}()
		_, end := reader(c)
		n.Host(addrB).Kill()
		time.Sleep(time.Minute)
		n.Heal(addrA, addrB)
		synctest.Wait()
		select {
		case err := <-end:
			t.Errorf("heard of it from nobody: %v", err)
		default:
		}
		write(t, c, "are you there?")
		if err := <-end; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
		if err := <-werr; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a writer that waited for room: %v", err)
		}
	})
}

func TestProbeOfFullWriterAfterHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, _ := pair(t, n.Host(addrA), n.Host(addrB))
		werr := make(chan error)
		go func() {
			_, err := c.Write(make([]byte, Buffer+1)) // all arrives, nobody reads
			werr <- err
		}()
		synctest.Wait()
		n.Partition(addrA, addrB)
		n.Host(addrB).Kill()
		n.Heal(addrA, addrB)
		if err := <-werr; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestCutLosesWhatWasNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		e, _ := pair(t, n.Host(addrA), n.Host(addrC))
		write(t, c, "lost")
		c.(halfCloser).CloseWrite()
		n.Cut(addrB, addrA)
		for _, x := range []net.Conn{c, d} {
			if b, err := io.ReadAll(x); len(b) > 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read %q, %v", b, err)
			}
		}
		write(t, e, "not concerned")
	})
}

func TestDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, b := n.Host(addrA), n.Host(addrB)
		ctx := context.Background()
		took := func(f func() error, want time.Duration, is error) {
			t.Helper()
			start := time.Now()
			if err := f(); !errors.Is(err, is) || time.Since(start) != want {
				t.Errorf("after %v: %v; want %v: %v", time.Since(start), err, want, is)
			}
		}
		dial := func(ctx context.Context, addr string) func() error {
			return func() error {
				c, err := a.Dial(ctx, addr)
				if err == nil {
					c.Close()
				}
				return err
			}
		}
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		took(dial(ctx, "10.77.0.2:7000"), 0, syscall.ECONNREFUSED)
		took(dial(ctx, "10.77.0.9:7000"), noRouteAfter, syscall.EHOSTUNREACH)
		l, _ := b.Listen(7000)
		if _, err := b.Process().Listen(7000); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second listener: %v", err)
		}
		n.SetDelay(addrA, addrB, 2*time.Millisecond)
		n.SetDelay(addrB, addrA, 3*time.Millisecond)
		took(dial(ctx, "10.77.0.2:7000"), 5*time.Millisecond, nil)
		n.Block(addrB, addrA) // no answer comes back
		took(dial(ctx, "10.77.0.2:7000"), noReplyAfter, syscall.ETIMEDOUT)
		took(dial(short, "10.77.0.2:7000"), 0, context.DeadlineExceeded)
		done := make(chan error)
		go func() { done <- dial(ctx, "10.77.0.2:7000")() }()
		time.Sleep(time.Second)
		n.Heal(addrA, addrB)
		if err := <-done; err != nil {
			t.Errorf("after heal: %v", err)
		}
		if _, err := a.Dial(ctx, "oxgw02:7000"); err == nil || !strings.Contains(err.Error(), "a name that memnet was told") {
			t.Errorf("a name: %v", err)
		}
		n.Name("oxgw02", addrB)
		took(dial(ctx, "oxgw02:7000"), 5*time.Millisecond, nil)
		l.Close()
	})
}

func TestBacklogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a := n.Host(addrA)
		l, _ := n.Host(addrB).Listen(7000)
		for range Backlog {
			if _, err := a.Dial(context.Background(), "10.77.0.2:7000"); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error)
		go func() {
			_, err := a.Dial(context.Background(), "10.77.0.2:7000")
			done <- err
		}()
		time.Sleep(time.Second)
		select {
		case err := <-done:
			t.Fatalf("one too many: %v", err)
		default:
		}
		l.Accept()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestNothingIsKeptOfClosedConnections(t *testing.T) {
	n := New()
	a, b := n.Host(addrA), n.Host(addrB)
	for range lastPort - firstPort + 10 { // more than there are ports
		c, d := pair(t, a, b)
		c.Close()
		d.Close()
	}
	if len(n.conns) != 0 || len(a.conns) != 0 || len(b.conns) != 0 || len(a.m.ports) != 0 || len(b.m.ports) != 0 {
		t.Errorf("%d %d %d %d %d left", len(n.conns), len(a.conns), len(b.conns), len(a.m.ports), len(b.m.ports))
	}
}

func TestAnswerOfTheDeadIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, _ := pair(t, n.Host(addrA), n.Host(addrB))
		n.Block(addrB, addrA)
		n.Host(addrB).Kill()
		write(t, c, "arrives, but the reset in answer does not")
		_, end := reader(c)
		time.Sleep(time.Minute)
		if len(end) > 0 {
			t.Fatal("heard through a blocked way")
		}
		n.Heal(addrA, addrB)
		if err := <-end; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
	})
}

func TestResetIsNotPutOffByMoreData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, _ := pair(t, n.Host(addrA), n.Host(addrB))
		n.SetDelay(addrB, addrA, time.Second)
		n.Host(addrB).Kill()
		_, end := reader(c)
		start := time.Now()
		for len(end) == 0 && time.Since(start) < time.Minute {
			c.Write([]byte("x"))
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(start); took > time.Second+10*time.Millisecond {
			t.Errorf("the reset took %v", took)
		}
	})
}

// A reset takes the place of what is in flight, even if that was due later.
func TestResetAfterShorterDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		c, d := pair(t, n.Host(addrA), n.Host(addrB))
		n.SetDelay(addrB, addrA, time.Hour)
		write(t, d, "lost")
		n.SetDelay(addrB, addrA, time.Second)
		n.Host(addrB).Kill()
		start := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
