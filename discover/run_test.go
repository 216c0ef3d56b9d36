// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lateral/beacon"
	"lateral/cache"
	"lateral/internal/memnet"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	group = netip.MustParseAddrPort("224.0.0.1:6780")
	quiet = slog.New(slog.NewTextHandler(io.Discard, nil))
)

// A bubble is a network with nodes on it, in virtual time.
type bubble struct {
	t   *testing.T
	net *memnet.Net
}

// A lad is one node.
type lad struct {
	*Discoverer
	b    *bubble
	stop context.CancelFunc
	done chan error
}

func inBubble(t *testing.T, story func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { story(&bubble{t, memnet.New()}) })
}

func host(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

func (b *bubble) join(i int) *memnet.Group {
	b.t.Helper()
	g, err := b.net.Host(host(i)).Multicast(group)
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

// start runs a node on host i; change may alter its configuration.
func (b *bubble) start(i int, id cache.NodeID, change func(*Config)) *lad {
	b.t.Helper()
	c := Config{
		Self: Self{ID: id, Node: id, Cluster: "ox", Host: fmt.Sprintf("host%d", i), Service: "s", Endpoint: "e", Port: 7, Receive: true},
		Conn: b.join(i), Log: quiet, Rand: rand.New(rand.NewPCG(uint64(i), uint64(id))),
	}
	if change != nil {
		change(&c)
	}
	l := &lad{Discoverer: New(c), b: b, done: make(chan error, 1)}
	var ctx context.Context
	ctx, l.stop = context.WithCancel(context.Background())
	go func() { l.done <- l.Run(ctx) }()
	return l
}

// end stops nodes and waits for their goodbyes.
func end(list ...*lad) {
	for _, l := range list {
		l.stop()
	}
	for _, l := range list {
		if err := <-l.done; err != nil {
			l.b.t.Errorf("Run: %v", err)
		}
	}
}

// passes lets virtual time pass.
func passes(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// knows fails unless the members of l are those wanted, as "id@addr".
func (l *lad) knows(want string) {
	l.b.t.Helper()
	var list []string
	for _, m := range l.Members() {
		list = append(list, fmt.Sprintf("%x@%s", uint64(m.ID), strings.Join(m.Addrs, ",")))
	}
	if got := strings.Join(list, " "); got != want {
		l.b.t.Errorf("%s knows %q, want %q", l.cfg.Self.Host, got, want)
	}
}

func TestAllStartAtTheSameInstant(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var all []*lad
		for i := 1; i <= 5; i++ {
			all = append(all, b.start(i, cache.NodeID(i), nil))
		}
		passes(500 * time.Millisecond)
		all[0].knows("2@10.0.0.2:7 3@10.0.0.3:7 4@10.0.0.4:7 5@10.0.0.5:7")
		all[4].knows("1@10.0.0.1:7 2@10.0.0.2:7 3@10.0.0.3:7 4@10.0.0.4:7")
		select {
		case <-all[0].Changed():
		default:
			t.Error("no poke")
		}
		end(all...)
	})
}

func TestLateStarter(t *testing.T) {
	inBubble(t, func(b *bubble) {
		first := b.start(1, anna, nil)
		passes(time.Hour)
		before := first.Heard().Sent
		late := b.start(2, bert, nil)
		passes(maxJitter + minGap)
		first.knows("b@10.0.0.2:7")
		late.knows("a@10.0.0.1:7")
		if n := first.Heard().Sent - before; n < 1 || n > 3 {
			t.Errorf("%d packets to answer one question", n)
		}
		if n := before; n < 320 || n > 420 {
			t.Errorf("%d packets in an hour, want one in 10 s", n)
		}
		end(first, late)
	})
}

func TestFirstPacketsLost(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.net.Partition(host(1), host(2))
		a, c := b.start(1, anna, nil), b.start(2, bert, nil)
		passes(2 * time.Second)
		a.knows("")
		b.net.HealAll()
		passes(3 * time.Second) // the pause that follows those of 0.1, 0.2, … is 1.6 s
		a.knows("b@10.0.0.2:7")
		c.knows("a@10.0.0.1:7")
		end(a, c)
	})
}

func TestOneWayLoss(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.net.Block(host(1), host(2))
		a, c := b.start(1, anna, nil), b.start(2, bert, nil)
		passes(time.Second)
		a.knows("b@10.0.0.2:7") // so a dials, and c learns of it by the hello
		c.knows("")
		b.net.HealAll()
		passes(11 * time.Second)
		c.knows("a@10.0.0.1:7")
		end(a, c)
	})
}

func TestRestartAfterKill(t *testing.T) {
	inBubble(t, func(b *bubble) {
		a := b.start(1, anna, nil)
		p := b.net.Host(host(2))
		killed := b.start(2, bert, func(c *Config) { c.Conn, _ = p.Multicast(group) })
		passes(time.Second)
		a.knows("b@10.0.0.2:7")
		p.Kill()
		if err := <-killed.done; !errors.Is(err, errConnClosed) {
			t.Errorf("Run with its socket gone: %v", err)
		}
		passes(time.Second)
		a.knows("b@10.0.0.2:7")
		again := b.start(2, carl, nil)
		synctest.Wait()
		a.knows("c@10.0.0.2:7") // without a moment of both
		end(a, again)
	})
}

func TestWithdrawAndExpiry(t *testing.T) {
	inBubble(t, func(b *bubble) {
		a, polite, rude := b.start(1, anna, nil), b.start(2, bert, nil), b.start(3, carl, nil)
		passes(time.Second)
		a.knows("b@10.0.0.2:7 c@10.0.0.3:7")
		end(polite)
		a.knows("c@10.0.0.3:7")
		b.net.Partition(host(1), host(3))
		end(rude)
		passes(169 * time.Second)
		a.knows("c@10.0.0.3:7")
		if m := a.Members(); !m[0].Stale {
			t.Error("silent, but not stale")
		}
		passes(12 * time.Second)
		a.knows("")
		end(a)
	})
}

func TestLostWithdraw(t *testing.T) {
	inBubble(t, func(b *bubble) {
		a, c := b.start(1, anna, nil), b.start(2, bert, nil)
		passes(time.Second)
		b.net.Block(host(2), host(1))
		c.stop()
		passes(withdrawGap / 2) // the first one is lost
		b.net.HealAll()
		if err := <-c.done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		a.knows("")
		end(a)
	})
}

func TestStaticOnly(t *testing.T) {
	inBubble(t, func(b *bubble) {
		ear := b.join(9)
		l := b.start(1, anna, func(c *Config) {
			c.Conn.Close()
			c.Conn = nil
			c.Static = []string{"oxgw02:7", "oxgw03:7", "oxgw02:7"}
		})
		l.knows("0@oxgw02:7 0@oxgw03:7")
		passes(time.Hour)
		l.knows("0@oxgw02:7 0@oxgw03:7")
		l.Bind("oxgw02:7", anna)
		l.knows("0@oxgw03:7")
		l.Learn(mention(carl, time.Now(), "10.0.0.3:7"))
		l.Bind("oxgw03:7", carl)
		l.knows("c@10.0.0.3:7,oxgw03:7")
		end(l)
		if s := ear.Status()[0]; s.Heard != 0 || l.Heard().Sent != 0 {
			t.Errorf("packets: %+v, %+v", s, l.Heard())
		}
		ear.Close()
	})
}

func TestSendOnly(t *testing.T) {
	inBubble(t, func(b *bubble) {
		mute := b.start(1, anna, func(c *Config) { c.Self.Receive, c.Self.Port = false, 0 })
		passes(3 * time.Second)
		alone := mute.Heard().Sent
		if alone < 4 {
			t.Errorf("asked %d times in 3 s", alone)
		}
		node := b.start(2, bert, nil)
		passes(10 * time.Second)
		mute.knows("b@10.0.0.2:7")
		node.knows("")
		known := mute.Heard().Sent
		passes(time.Hour)
		end(mute)
		if n := mute.Heard().Sent; n != known || known > alone+2 {
			t.Errorf("%d packets alone, %d then, %d in the end: something was announced", alone, known, n)
		}
		end(node)
	})
}

func TestTwoClusters(t *testing.T) {
	inBubble(t, func(b *bubble) {
		log := &record{}
		a := b.start(1, anna, func(c *Config) { c.Log = log.logger() })
		o := b.start(2, bert, func(c *Config) { c.Self.Cluster = "other" })
		passes(time.Minute)
		a.knows("")
		o.knows("")
		if n := a.Heard().Foreign; n < 5 {
			t.Errorf("%d foreign packets counted", n)
		}
		if n := log.count("another cluster"); n != 1 {
			t.Errorf("%d lines about the other cluster, want 1", n)
		}
		end(a, o)
	})
}

func TestStrangePackets(t *testing.T) {
	inBubble(t, func(b *bubble) {
		log := &record{}
		a := b.start(1, anna, func(c *Config) { c.Log = log.logger() })
		passes(time.Second)
		before := a.Heard()
		good := encode(t, says(Announce, bert, 7, 1), "")
		g := b.join(2)
		for _, p := range [][]byte{
			[]byte("garbage"), []byte("\xac\xed\x00\x05sr"), nil, good[:len(good)-9], bytes.Repeat([]byte{0xff}, 9000), // alien
			good[5:], []byte("\xff\xff\xff\xffLatD"), good[1:], // undecodable
			encode(t, says(Announce, bert, 0, 1), ""), // disbelieved
			encode(t, says(Announce, anna, 7, 1), ""), // own
		} {
			if err := g.Send(p); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		got, want := a.Heard(), before
		want.Packets += 10
		want.Alien += 5
		want.Undecodable += 3
		want.Disbelieved++
		want.Own++
		if got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
		a.knows("")
		if n := log.count("level=WARN"); n != 1 || log.count("10.0.0.2") != 1 {
			t.Errorf("%d warnings, want 1 that names the sender", n)
		}
		passes(complainEvery)
		g.Send([]byte("\xff\xff\xff\xffLatD"))
		synctest.Wait()
		if log.count("unlogged=3") != 1 {
			t.Error("what was not logged is not counted in the next line")
		}
		g.Send(good)
		synctest.Wait()
		a.knows("b@10.0.0.2:7")
		end(a)
		g.Close()
	})
}

// A flaky Conn has an interface that comes and goes, and reads that fail.
type flaky struct {
	beacon.Conn
	mu   sync.Mutex
	addr netip.Addr
	bad  int
}

func (f *flaky) Status() []beacon.InterfaceStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []beacon.InterfaceStatus{{Interface: "eth0", Addr: f.addr, Joined: true}}
}

func (f *flaky) Read(buf []byte) (int, beacon.Source, error) {
	f.mu.Lock()
	bad := f.bad > 0
	if bad {
		f.bad--
	}
	f.mu.Unlock()
	if bad {
		return 0, beacon.Source{}, errors.New("the cable is on fire")
	}
	return f.Conn.Read(buf)
}

func TestInterfaceComesUpLater(t *testing.T) {
	inBubble(t, func(b *bubble) {
		other := b.start(2, bert, nil)
		var f *flaky
		b.net.Partition(host(1), host(2))
		a := b.start(1, anna, func(c *Config) { f = &flaky{Conn: c.Conn}; c.Conn = f })
		passes(time.Hour)
		b.net.HealAll()
		f.mu.Lock()
		f.addr = host(1)
		f.mu.Unlock()
		passes(lookEvery + maxJitter + minGap)
		a.knows("b@10.0.0.2:7")
		other.knows("a@10.0.0.1:7")
		end(a, other)
	})
}

func TestWhoOnlyAsksAsksAgainOnANewInterface(t *testing.T) {
	inBubble(t, func(b *bubble) {
		other := b.start(2, bert, nil)
		var f *flaky
		mute := b.start(1, anna, func(c *Config) {
			f = &flaky{Conn: c.Conn}
			c.Conn, c.Self.Receive, c.Self.Port = f, false, 0
		})
		passes(time.Hour)
		before := mute.Heard().Sent
		f.mu.Lock()
		f.addr = host(1)
		f.mu.Unlock()
		passes(time.Hour)
		if n := mute.Heard().Sent - before; n != 1 {
			t.Errorf("%d packets for the new interface, want one question", n)
		}
		end(mute, other)
	})
}

func TestReadErrorsArePausedAfter(t *testing.T) {
	inBubble(t, func(b *bubble) {
		log := &record{}
		a := b.start(1, anna, func(c *Config) { c.Conn = &flaky{Conn: c.Conn, bad: 100}; c.Log = log.logger() })
		passes(99*readPause + readPause/2)
		other := b.start(2, bert, nil)
		synctest.Wait()
		a.knows("")
		passes(readPause)
		a.knows("b@10.0.0.2:7")
		if n := log.count("on fire"); n != 1 {
			t.Errorf("%d lines, want 1", n)
		}
		end(a, other)
	})
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		says   string
	}{
		{func(c *Config) { c.Self.ID = 0 }, "no id"},
		{func(c *Config) { c.Self.Port = 0 }, "TCP port 0"},
		{func(c *Config) { c.Self.Port = 65536 }, "TCP port 65536"},
		{func(c *Config) { c.Self.Service = strings.Repeat("x", 129) }, "service name has 129 bytes"},
		{func(c *Config) { c.Self.AdvertiseHost = "0.0.0.0" }, "0.0.0.0"},
		{func(c *Config) { c.Static = []string{"oxgw01"} }, "oxgw01"},
		{func(c *Config) { c.DNS = []string{"oxgw"} }, "oxgw"},
	} {
		conf := Config{Self: Self{ID: anna, Port: 7, Receive: true}, Log: quiet}
		c.change(&conf)
		if err := New(conf).Run(context.Background()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Run: %v, want %q", err, c.says)
		}
	}
}

// A record is a log that tests read.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func (r *record) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.buf.String(), text)
}
