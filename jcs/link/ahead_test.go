// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted counts what is read of it.
type counted struct {
	io.Reader
	n atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// TestAhead: what is taken is what came, in whatever pieces, and then the end.
func TestAhead(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 5<<20)
	for i := range want {
		want[i] = byte(rng.Uint32())
	}
	for _, most := range []int{1, 900, 5000, 1 << 20} {
		ours, theirs := net.Pipe()
		var used atomic.Int64
		a, stop := readAhead(ours, &used)
		go func() {
			for b := want; len(b) > 0; {
				n, _ := theirs.Write(b[:min(len(b), 1+rng.IntN(most))])
				b = b[n:]
				if most == 1 && len(b) < len(want)-20_000 {
					b = nil
				}
			}
			theirs.Close()
		}()
		var got []byte
		b := make([]byte, 3000)
		for {
			n, err := a.read(b[:1+len(got)%len(b)], time.Time{})
			got = append(got, b[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want[:len(got)]) || most > 1 && len(got) != len(want) {
			t.Errorf("in pieces of up to %d: %d bytes, not those that were sent", most, len(got))
		}
		ours.Close()
		stop()
		if n := used.Load(); n != 0 {
			t.Errorf("%d bytes are still counted", n)
		}
	}
}

// TestAheadIsBounded: a connection that nobody takes from holds no more than it
// may, one that comes when all have too much still has its least, and what is
// taken is followed by more.
func TestAheadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Int64
		open := func() (*ahead, *counted, func()) {
			ours, theirs := net.Pipe()
			in := &counted{Reader: ours}
			a, stop := readAhead(in, &used)
			go func() {
				for b := make([]byte, 1<<20); ; {
					if _, err := theirs.Write(b); err != nil {
						return
					}
				}
			}()
			return a, in, func() { ours.Close(); theirs.Close(); stop() }
		}
		a, in, end := open()
		synctest.Wait()
		if n := in.n.Load(); n < aheadMost-2*pieceMost || n > aheadMost+pieceMost || used.Load() > aheadMost+pieceMost {
			t.Errorf("one connection holds %d bytes, %d are counted", n, used.Load())
		}
		_, second, end2 := open()
		synctest.Wait()
		if n := second.n.Load(); n < aheadLeast/2 || n > aheadLeast+pieceMost {
			t.Errorf("another one holds %d bytes beside it", n)
		}
		before := in.n.Load()
		for taken := 0; taken < 4<<20; {
			n, err := a.read(make([]byte, 64<<10), time.Time{})
			if taken += n; err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if more := in.n.Load() - before; more < 3<<20 {
			t.Errorf("of 4 MiB that were taken %d bytes were read anew", more)
		}
		end()
		end2()
		if n := used.Load(); n != 0 {
			t.Errorf("%d bytes are still counted", n)
		}
	})
}

// TestAheadWaits: until the time that it is given, and no longer; and who
// stops while bytes come stops at once.
func TestAheadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		var used atomic.Int64
		a, stop := readAhead(ours, &used)
		began := time.Now()
		if n, err := a.read(make([]byte, 10), began.Add(time.Minute)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("%d, %v after %v", n, err, time.Since(began))
		}
		go theirs.Write([]byte("late"))
		b := make([]byte, 10)
		if n, err := a.read(b, time.Time{}); string(b[:n]) != "late" || err != nil {
			t.Errorf("%q, %v", b[:n], err)
		}
		theirs.Close()
		if _, err := a.read(b, time.Time{}); err != io.EOF {
			t.Error(err)
		}
		ours.Close()
		stop()
	})
}
