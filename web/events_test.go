// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// A stage is a front served on a network in memory, in virtual time.
type stage struct {
	t     *testing.T
	n     *node
	f     *Front
	host  *memnet.Host
	addr  string
	looks []time.Time
	size  int // of a View
	slow  time.Duration
	watch map[string]*watched
	stop  func()
	ended chan error
}

func onStage(t *testing.T, play func(s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, n: newNode(), host: memnet.New().Host(netip.MustParseAddr("10.0.0.1")), watch: map[string]*watched{}, ended: make(chan error, 1)}
		s.f = s.n.board(true)
		s.f.Dashboard.Look = func(context.Context) View {
			s.looks = append(s.looks, time.Now())
			time.Sleep(s.slow) // virtual: the other services answer late
			return View{Service: "groupware", Stable: []string{strings.Repeat("x", s.size)}}
		}
		s.f.Dashboard.Watch = func(region string, room int) (cache.Watcher, error) {
			w := &watched{events: make(chan []cache.Event)}
			s.watch[region] = w
			return w, nil
		}
		ln, err := s.host.Listen(80)
		if err != nil {
			t.Fatal(err)
		}
		s.addr = ln.Addr().String()
		ctx, stop := context.WithCancel(t.Context())
		s.stop = stop
		go func() { s.ended <- s.f.Serve(ctx, ln, nil) }()
		play(s)
		stop()
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
	})
}

// watched hands out what a test says.
type watched struct {
	events chan []cache.Event
	closed bool
}

func (w *watched) Next(ctx context.Context) ([]cache.Event, error) {
	select {
	case e := <-w.events:
		return e, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *watched) Close() { w.closed = true }

// A reader has a stream.
type reader struct {
	conn net.Conn
	in   *bufio.Reader
	code int
	mu   sync.Mutex
	got  []string // "event data", with the time since it was opened
}

// open sends a request and reads its head.
func (s *stage) open(query string) *reader {
	s.t.Helper()
	conn, err := s.host.Dial(s.t.Context(), s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /dashboard/events%s HTTP/1.1\r\nHost: x\r\n\r\n", query)
	r := &reader{conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(r.in, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.code = res.StatusCode
	r.in = bufio.NewReader(res.Body)
	return r
}

// read collects events until the stream ends.
func (r *reader) read() {
	began := time.Now()
	event := ""
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			return
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = strings.TrimSpace(name)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			r.mu.Lock()
			r.got = append(r.got, fmt.Sprint(time.Since(began).Round(time.Millisecond), " ", event, " ", strings.TrimSpace(data)))
			r.mu.Unlock()
		}
	}
}

func (r *reader) count(event string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.got {
		if strings.Contains(g, " "+event+" ") {
			n++
		}
	}
	return n
}

// pass lets virtual time pass, and what it sets off come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestOneLookForAll: readers that come at any time share one look a second,
// also for longer than any other request may take, and nobody looks when
// nobody reads.
func TestOneLookForAll(t *testing.T) {
	onStage(t, func(s *stage) {
		var rs []*reader
		for range 5 {
			r := s.open("")
			rs = append(rs, r)
			go r.read()
			pass(130 * time.Millisecond)
		}
		pass(2 * readTimeout)
		for i, r := range rs {
			if n, want := r.count("view"), int(2*readTimeout/period); n < want-1 || n > want+2 {
				t.Errorf("reader %d got %d views in %v, and looks were %d", i, n, 2*readTimeout, len(s.looks))
			}
			if !strings.Contains(r.got[0], `hello {"writes":true`) {
				t.Errorf("first it was told %s", r.got[0])
			}
		}
		for i, at := range s.looks[1:] {
			if d := at.Sub(s.looks[i]); d < period {
				t.Errorf("looks %v apart", d)
			}
		}
		for _, r := range rs {
			r.conn.Close()
		}
		pass(2 * period)
		n := len(s.looks)
		pass(time.Minute)
		if len(s.looks) != n || s.f.Dashboard.streams != 0 {
			t.Errorf("%d looks for nobody, %d streams", len(s.looks)-n, s.f.Dashboard.streams)
		}
	})
}

// TestSlowLook: looks that take longer than a second follow each other with a
// second between.
func TestSlowLook(t *testing.T) {
	onStage(t, func(s *stage) {
		s.slow = 3 * time.Second
		a, b := s.open(""), s.open("")
		go a.read()
		go b.read()
		pass(20*time.Second + period/2)
		if len(s.looks) != 6 || a.count("view") != 5 || b.count("view") != 5 {
			t.Errorf("%d looks, %d and %d views", len(s.looks), a.count("view"), b.count("view"))
		}
		a.conn.Close()
		b.conn.Close()
		pass(5 * time.Second)
	})
}

// TestStreamsAreBounded: one more than there may be is told so, and has a place
// when another has left.
func TestStreamsAreBounded(t *testing.T) {
	onStage(t, func(s *stage) {
		var rs []*reader
		for range maxStreams {
			r := s.open("")
			rs = append(rs, r)
			go r.read()
		}
		if r := s.open(""); r.code != http.StatusServiceUnavailable {
			t.Errorf("one more: %d", r.code)
		} else {
			r.conn.Close()
		}
		rs[3].conn.Close()
		pass(2 * period)
		if rs[3] = s.open(""); rs[3].code != http.StatusOK {
			t.Errorf("after one has left: %d", rs[3].code)
		}
		for _, r := range rs {
			r.conn.Close()
		}
	})
}

// TestSlowReader: who does not read is dropped, and others do not wait for it.
func TestSlowReader(t *testing.T) {
	onStage(t, func(s *stage) {
		s.size = memnet.Buffer / 3
		slow, other := s.open(""), s.open("")
		go other.read()
		pass(20 * time.Second)
		if n := other.count("view"); n < 19 {
			t.Errorf("the other reader got %d views", n)
		}
		if s.f.Dashboard.streams != 1 {
			t.Errorf("%d streams", s.f.Dashboard.streams)
		}
		slow.conn.Close()
		other.conn.Close()
	})
}

// TestStreamsEndWithServe: they do not hold it up for those that work.
func TestStreamsEndWithServe(t *testing.T) {
	onStage(t, func(s *stage) {
		r := s.open("?feed")
		done := make(chan struct{})
		go func() { defer close(done); r.read() }()
		pass(3 * period)
		began := time.Now()
		s.stop()
		<-done
		if err := <-s.ended; err != nil || time.Since(began) > drainTimeout/2 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		s.ended <- nil
		if !s.watch["User"].closed {
			t.Error("its watcher is left open")
		}
		r.conn.Close()
	})
}

// TestFeed: what happens is told in batches, in order, without values; what is
// more than a batch is counted.
func TestFeed(t *testing.T) {
	onStage(t, func(s *stage) {
		r := s.open("?feed=User")
		go r.read()
		pass(time.Second)
		w := s.watch["User"]
		stamp := cache.StampAt(1_800_000_000_000, 7)
		w.events <- []cache.Event{
			{Kind: cache.Missed},
			{Kind: cache.Written, Element: cache.Element{Key: "<b>" + strings.Repeat("é", 300), Stamp: stamp, Value: cache.Value{Bytes: "secret"}}},
			{Kind: cache.Removed, Op: cache.RemoveTag, Element: cache.Element{Key: "tag\xff"}, Origin: cache.FromLateral},
			{Kind: cache.Expired, Element: cache.Element{Key: cache.GroupKey("g", "k"), Stamp: stamp}},
		}
		pass(time.Second)
		many := make([]cache.Event, 5*maxBatch)
		w.events <- many
		pass(time.Second)
		var bs []Batch
		for _, g := range r.got {
			if _, data, ok := strings.Cut(g, " feed "); ok {
				var b Batch
				if err := json.Unmarshal([]byte(data), &b); err != nil {
					t.Fatal(err)
				}
				bs = append(bs, b)
			}
		}
		if len(bs) != 2 || len(bs[0].Events) != 4 || len(bs[1].Events) != maxBatch || bs[1].Missed != 4*maxBatch {
			t.Fatalf("%d batches: %.500v", len(bs), bs)
		}
		e := bs[0].Events
		if e[0].Kind != "missed" || e[1].Kind != "written" || e[1].Bytes != 6 || !e[1].Name.Cut || len(e[1].Name.Text) > maxFeedKey || !strings.HasPrefix(e[1].Name.Text, "<b>é") || e[1].Peer ||
			e[2].Op != "remove-tag" || !e[2].Peer || !e[2].Name.Binary || e[3].Name.Group != "g" || e[3].Name.Text != "k" {
			t.Errorf("%v", e)
		}
		if strings.Contains(strings.Join(r.got, ""), "secret") {
			t.Error("a value was told")
		}
		r.conn.Close()
	})
}
