// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lateral/changelog"
	"lateral/jcs"
)

// A street is a network on which nobody listens, but for those who were let in.
type street struct {
	*Links
	t     *testing.T
	began time.Time

	mu     sync.Mutex
	dials  []time.Duration // when, since began
	listen bool
}

// nobody is a street with Links of a generation, in virtual time.
func nobody(t *testing.T, g *jcs.Generation) *street {
	s := &street{t: t, began: time.Now()}
	s.Links = New(Config{Requester: ourID, Gen: g, Receive: true, OpenTime: time.Second, Log: changelog.New(7, 64<<10), Dial: s.dial,
		Regions: func() []Region { return nil }, Region: func(string) (Region, bool) { return nil, false }})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	synctest.Wait()
	return s
}

func (s *street) dial(context.Context, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials = append(s.dials, time.Since(s.began))
	if !s.listen {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for b := make([]byte, 1024); ; {
			if _, err := theirs.Read(b); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// during are the dials of some time from now on, since its beginning.
func (s *street) during(d time.Duration) (at []time.Duration) {
	from := time.Since(s.began)
	time.Sleep(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.dials {
		if x >= from {
			at = append(at, x-from)
		}
	}
	return at
}

// A guest's connection comes from a host.
type guest struct {
	net.Conn
	from string
}

func (g guest) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(g.from)) }

// come has a Java node dial us that opens a stream and says nothing more.
func (s *street) come(from string) { s.say(from, []byte{0xac, 0xed, 0, 5}) }

// say has somebody dial us, and returns when we have made up our mind who it is.
func (s *street) say(from string, b []byte) {
	ours, theirs := net.Pipe()
	go s.Serve(s.t.Context(), guest{ours, from}, nil)
	theirs.Write(b)
	go io.Copy(io.Discard, theirs)
	time.Sleep(greetTime)
	synctest.Wait()
	s.t.Cleanup(func() { theirs.Close() })
}

const there = "10.0.0.1:22001"

// TestRefused: a JCS 1.3 node that refuses may be about to open its port, and
// would be deaf if it was dialled just then: it's dialled rarely, whatever there
// is to tell it. Others are dialled soon.
func TestRefused(t *testing.T) {
	for g, least := range map[*jcs.Generation]time.Duration{jcs.JCS133: refusedLeast * 3 / 4, jcs.JCS2: redialFirst * 3 / 4, jcs.JCS3: redialFirst * 3 / 4} {
		synctest.Test(t, func(t *testing.T) {
			s := nobody(t, g)
			s.Configure(there)
			for range 600 {
				s.during(100 * time.Millisecond)
				s.list()[0].wake() // as a bridge does
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for i, d := range s.dials[1:] {
				if pause := d - s.dials[i]; pause < least || pause > redialMost*5/4 {
					t.Errorf("JCS %s: dial %d comes %v after the one before", g.Name, i+1, pause)
				}
			}
			if soon := s.dials[1] < time.Second; soon == startsLate(g) || len(s.dials) < 10 {
				t.Errorf("JCS %s: dialled %v", g.Name, s.dials)
			}
		})
	}
}

// TestOpening: a JCS 1.3 node dials who is listed in its file just before it
// opens its port. It's dialled a second after that, and not before; at once if
// it has announced itself, which it does last.
func TestOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nobody(t, jcs.JCS133)
		s.Configure(there)
		s.during(time.Minute)
		for range 20 {
			s.come("10.0.0.1:40000")
			if at := s.during(openingTime + 100*time.Millisecond); !slices.Equal(at, []time.Duration{openingTime}) {
				t.Fatalf("dialled %v after it has come", at)
			}
			s.during(7 * time.Second)
		}

		const step = 100 * time.Millisecond
		for len(s.during(step)) == 0 {
		}
		s.come("10.0.0.2:40000") // another host: the pause goes on, which is a quarter longer or shorter
		if at := s.during(redialMost*3/4 - 2*step); len(at) > 0 {
			t.Errorf("another host has come: dialled %v", at)
		}
		if at := s.during(redialMost/2 + 2*step); len(at) != 1 {
			t.Errorf("long after another host has come: dialled %v", at)
		}

		s.come("10.0.0.1:40001")
		s.during(openingTime / 2)
		s.Announced(there, &jcs.Packet{Gen: jcs.JCS133, Requester: 5, Regions: []string{"alpha"}})
		if at := s.during(time.Millisecond); !slices.Equal(at, []time.Duration{0}) {
			t.Errorf("it was heard: dialled %v", at)
		}

		var at []time.Duration
		for i := range 100 {
			s.come("10.0.0.1:40002")
			for _, d := range s.during(openingTime / 2) {
				at = append(at, time.Duration(i)*openingTime/2+d)
			}
		}
		if len(at) < 4 {
			t.Errorf("who comes all the time is dialled %v", at)
		}
	})
}

// TestOpeningJCS3: others take connections as soon as they listen.
func TestOpeningJCS3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nobody(t, jcs.JCS3)
		s.Configure(there)
		s.during(time.Minute)
		s.come("10.0.0.1:40000") // in the words of JCS 1.3 and 2
		if at := s.during(time.Millisecond); !slices.Equal(at, []time.Duration{0}) {
			t.Errorf("dialled %v after it has come", at)
		}
	})
}

// TestOpeningUnknown: the same holds for an address of which nothing is known
// but that nobody has answered there, and then it's found out who does.
func TestOpeningUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nobody(t, jcs.JCS133)
		probe := func() error { return s.Probe(t.Context(), there) }
		if err := probe(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
		s.during(time.Millisecond)
		s.come("10.0.0.2:40000")
		question, err := jcs.NewWriter(jcs.JCS133, jcs.Serializer{}).Encode(s.probe())
		if err != nil {
			t.Fatal(err)
		}
		s.say("10.0.0.1:40000", question)
		if at := s.during(openingTime); len(at) != 0 {
			t.Errorf("another host has come, and a Lateral node: dialled %v", at)
		}
		s.say("10.0.0.1:40000", question)
		if err := probe(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a Lateral node has come: %v", err)
		}
		s.during(time.Millisecond)
		s.come("10.0.0.1:40000")
		s.listen = true
		if err := probe(); err != errOpening {
			t.Errorf("while it may be opening its port: %v", err)
		}
		if at := s.during(openingTime - 1); len(at) != 0 {
			t.Errorf("dialled %v after it has come", at)
		}
		if at := s.during(1 + probeTime); len(at) < 1 || at[0] != 1 || !s.Java(there) {
			t.Errorf("a second after it has come: dialled %v, known as Java's: %v", at, s.Java(there))
		}
		if err := probe(); err != ErrJava {
			t.Error(err)
		}
	})
}
