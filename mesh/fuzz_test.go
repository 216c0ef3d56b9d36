// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"lateral/cache"
	"lateral/changelog"
	"lateral/converge"
)

// void is a connection to nobody.
type void struct{ net.Conn }

func (void) RemoteAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 9} }
func (void) LocalAddr() net.Addr                { return void{}.RemoteAddr() }
func (void) SetReadDeadline(time.Time) error    { return nil }
func (void) SetWriteDeadline(t time.Time) error { return nil }
func (void) Close() error                       { return nil }

// loneLink is a link without loops: frames are handed to it, and what it would
// send in a sync goes nowhere.
func loneLink() (*link, *syncer, func()) {
	regions := []Region{newShelf("User", false), newShelf("State", true)}
	b := newBook(1)
	b.closed = true
	m := New(Config{ID: 1, Node: 0x100, Receive: true, Log: changelog.New(0x100, 64<<10), Directory: b,
		Regions: func() []Region { return regions },
		Region: func(name string) (Region, bool) {
			for _, r := range regions {
				if r.Name() == name {
					return r, true
				}
			}
			return nil, false
		}})
	own, his := m.hello(1), &hello{Version: 1, identity: identity{ID: 2, Node: 0x200}, Receive: true}
	l := m.newLink(void{}, true, own, his, newInput(void{}))
	if err := m.adopt(l); err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m.group, m.work = new(errgroup.Group), ctx
	s := &syncer{l: l, ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-l.bulk:
			case <-ctx.Done():
				return
			}
		}
	}()
	state := regions[1].(*shelf)
	for _, k := range []string{"a", "b", "c"} {
		state.keepLocked(cache.Element{Key: k, Attr: &cache.DefaultAttributes, Stamp: cache.Stamp{Time: 1 << 60, Node: 1}})
	}
	return l, s, func() { stop(); <-done; m.group.Wait() }
}

// feed hands a stream of frames to a link as its read loop would, and what is
// for a sync to its syncer.
func feed(l *link, s *syncer, stream []byte) error {
	in := bytes.NewReader(stream)
	var buf []byte
	for {
		t, p, err := readFrame(in, buf)
		if err != nil {
			return err
		}
		if err := l.handle(t, p); err != nil {
			return err
		}
		for len(l.syncIn) > 0 {
			if err := s.handle(<-l.syncIn); err != nil {
				return err
			}
		}
		buf = p
	}
}

func fr(t frameType, parts ...any) []byte {
	var p []byte
	for _, x := range parts {
		switch x := x.(type) {
		case string:
			p = appendText(p, x)
		case uint64:
			p = binary.BigEndian.AppendUint64(p, x)
		case int:
			p = binary.AppendUvarint(p, uint64(x))
		case []byte:
			p = append(p, x...)
		}
	}
	return appendFrame(nil, t, p)
}

const most = ^uint64(0)

// extremes are frames that a polite peer would never send, and some that it would.
func extremes() [][]byte {
	put := func(op cache.Op, key string) []byte {
		return changelog.Append(nil, &cache.Change{Op: op, Element: cache.Element{Key: key, Attr: &cache.DefaultAttributes, Stamp: cache.Stamp{Time: most, Node: 7}}}, 0, 0)
	}
	round := fr(frameRound, 1, uint64(1))
	root := fr(frameRoot, 1, "State", 0, converge.Buckets, []byte{6}, uint64(0), uint64(1), uint64(2))
	agreed := slices.Concat(round, root)
	look := func(text string) []byte { return fr(frameLook, uint64(1), []byte(text)) }
	return [][]byte{
		nil, {0}, {1}, {4, 0xff, 0xff, 0xff, 0xff}, {21, 0, 0, 0, 0}, {255, 0, 0, 0, 0}, {4, 0x7f, 0xff, 0xff, 0xff},
		{4, 4, 0, 0, 0}, // declares 64 MiB and sends nothing
		fr(frameHello, []byte("{}")), fr(frameResume), fr(frameResume, []byte{1}, most), fr(frameResume, []byte{7}, most), fr(frameResume, []byte{0}, uint64(0), most),
		fr(frameNames), fr(frameNames, 0, "User", "State"), fr(frameNames, 1, "x"), fr(frameNames, 0, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}),
		fr(frameNames, 0, make([]byte, maxNames+1)), fr(frameNames, 0, strings.Repeat("n", cache.MaxRegion+1)),
		fr(frameChanges), fr(frameChanges, uint64(0)), fr(frameChanges, most), fr(frameChanges, uint64(1)), fr(frameChanges, uint64(2), put(cache.Put, "k")),
		append(fr(frameNames, 0, "State"), fr(frameChanges, uint64(1), put(cache.Put, "k"), put(cache.Remove, "k"), put(cache.RemoveAll, ""))...),
		fr(frameChanges, uint64(1), put(cache.Put, "k")), fr(frameChanges, uint64(1), []byte{0xff, 0xff, 0xff, 0xff, 0x7f}),
		fr(frameTouches), fr(frameTouches, "State"), fr(frameTouches, "State", "k", 0, "k", int(maxTouchAge), "k"),
		fr(frameTouches, "State", "k", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}), fr(frameTouches, "none", "k", 1), fr(frameTouches, "State", strings.Repeat("k", cache.MaxKey+1), 1),
		fr(frameAsk), fr(frameAsk, most, most), fr(frameAsk, uint64(0), uint64(0)), fr(frameAsk, most, uint64(MaxLease)),
		fr(frameLease), fr(frameLease, most, most), fr(frameLease, uint64(0), most), fr(frameLease, most, uint64(1)), fr(frameLease, uint64(0), uint64(MaxLease)),
		fr(frameHold), fr(frameHold, most, "User", "k"), fr(frameHold, uint64(1), "none", ""), fr(frameHold, uint64(1), int(most>>1)),
		append(fr(frameHold, uint64(1), "User", "p:"), fr(frameHold, uint64(1), "User", "p:")...), append(fr(frameHold, most, "User", "k"), fr(frameRelease, most)...),
		fr(frameHeld), fr(frameHeld, most), fr(frameRelease), fr(frameRelease, most),
		fr(frameTake), fr(frameTake, most, "State", "k"), fr(frameTake, uint64(0), "State", "k", most, most, most, most, 1), fr(frameTake, uint64(1), "none", "", most, most, most, most, int(^uint(0)>>1)),
		fr(frameMessage), fr(frameMessage, "channel", "message"), fr(frameMessage, "channel", int(maxMessage)),
		fr(frameVote), fr(frameVote, most), fr(frameVote, most, []byte{255}), fr(frameVote, uint64(1), []byte{1}),
		fr(frameAck), fr(frameAck, most), fr(frameBeat), fr(frameBeat, most, most, most), fr(frameBeat, uint64(1)<<63, uint64(1)<<63, uint64(1)<<63),
		fr(frameRow), fr(frameRow, []byte(`{"up":[{"id":"ffffffffffffffff","addr":"224.0.0.1:0","port":-1}],"down":{"":"\u001b[2J"}}`)), fr(frameRow, []byte(`null`)),
		fr(frameRow, []byte(`{"up":[{"id":"0"},{"id":"1"},{"id":""}]}`)), fr(frameRow, bytes.Repeat([]byte("["), 20000)),
		fr(frameGap), fr(frameGap, uint64(0)), fr(frameGap, uint64(1)), fr(frameGap, uint64(2)), fr(frameGap, most),
		fr(frameGet), fr(frameGet, uint64(1), "State", "a"), fr(frameGet, most, "", ""), fr(frameGet, uint64(1), "State", []byte{0xff, 0xff, 0xff, 0xff, 0x0f}),
		fr(frameReply), fr(frameReply, uint64(1)), fr(frameReply, most, put(cache.Remove, "k")), fr(frameReply, uint64(1), []byte{0xff}),
		fr(frameRound), fr(frameRound, 1), round, append(round, fr(frameEnd, 1)...), append(round, fr(frameEnd, 2)...), fr(frameEnd), fr(frameEnd, 1), fr(frameEnded), fr(frameEnded, 1),
		fr(frameRoot), root, agreed, append(round, fr(frameRoot, 1, "none", 0, 1, []byte{6}, most, most, most)...), append(round, fr(frameRoot, 1, "State", 1, 0, []byte{6}, most, most, most)...),
		append(round, fr(frameRoot, 1, "State", 7, converge.Buckets+1, []byte{6}, most, most, most)...), append(round, fr(frameRoot, 1, "State", 0, 9, []byte{converge.MaxLevel + 1}, most, most, most)...),
		append(round, fr(frameRoot, 1, "State", 0, 4096, []byte{14}, most, most, most)...), fr(frameSame, 1), fr(frameCells, 1), fr(frameCells, 1, []byte{6}, make([]byte, 8*converge.CellsOf(6))),
		fr(frameCells, 1, []byte{6}, bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, converge.CellsOf(6))), fr(frameCells, 1, []byte{7}, make([]byte, 8*converge.CellsOf(6))), fr(frameOn, 1), append(agreed, fr(frameOn, 1)...),
		fr(frameKeys, 1), fr(frameKeys, 1, "k", most, most), fr(frameKeys, 1, "k", most), append(agreed, fr(frameWhich, 1, most, uint64(0))...), append(agreed, fr(frameWhich, 1, []byte{1})...),
		fr(frameWant), append(agreed, fr(frameWant, 1, "a", "a", "none", "")...), append(agreed, fr(frameWant, 2, "a")...),
		fr(frameFill), fr(frameFill, 1, "State", 0, 1), append(round, fr(frameFill, 1, "State", 0, 4096)...), append(round, fr(frameFill, 1, "User", 0, 4096)...), append(round, fr(frameFill, 1, "State", 9, 4097)...),
		append(round, fr(frameFill, 1, "State", 2, 1)...), fr(frameShare, 1), fr(frameShare, 1, most), fr(frameLater, 1), fr(frameLater),
		fr(frameElements), fr(frameElements, "State", put(cache.Put, "k"), put(cache.RemoveAll, ""), put(cache.Remove, "p:")), fr(frameElements, "none", put(cache.Put, "k")),
		fr(frameElements, "State", []byte{0x80}), fr(frameNext, 1), fr(frameShares), fr(frameShares, []byte(`[{"name":"\u0000","mode":"replicate"},{}]`)), fr(frameShares, []byte(`{}`)),
		fr(frameLook), look(""), look("null"), look("{}"), look(`{"kind":"settle"}`), look(`{"kind":"survey"}`), look(`{"kind":"survey","of":"00000000000000ff"}`), look(`{"kind":"keys","region":"State","keys":["YQ==","",null]}`), look(`{"kind":"keys","region":"User","keys":["YQ=="]}`),
		look(`{"kind":"sum","region":"State","to":4096,"level":6}`), look(`{"kind":"sum","region":"State","to":4097}`), look(`{"kind":"sum","region":"State","from":-1}`), look(`{"kind":"sum","region":"State","to":9,"level":-1}`),
		look(`{"kind":"sum","region":"State","to":9,"level":15}`), look(`{"kind":"find","region":"State","to":4096,"words":"AAAAAAAAAAA="}`), look(`{"kind":"find","region":"State","to":4096,"words":"AAA="}`), look(`{"kind":"find","region":"User"}`),
		look(`{"kind":"x","region":"none"}`), look(`{"kind":"x","region":"State"}`), fr(frameSaw), fr(frameSaw, most), fr(frameSaw, most, []byte(`{"known":[{"stamp":"x"}]}`)),
		fr(frameGoaway), fr(frameGoaway, []byte(`{"reason":"\u001b]0;x\u0007","leaving":true}`)),
	}
}

// Whatever a peer that has said hello sends, it is refused or applied: there
// is no panic, and what it did not send is not made up.
func FuzzFrames(f *testing.F) {
	for _, s := range extremes() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		l, s, stop := loneLink()
		defer stop()
		if err := feed(l, s, stream); err == nil {
			t.Fatal("a stream without an end")
		}
		if n := l.peer.received.Load(); n == most {
			t.Error("a number was made of nothing")
		}
	})
}

// Each type alone: the fuzzer need not find out about headers.
func FuzzPayload(f *testing.F) {
	for _, s := range extremes() {
		if len(s) >= headerSize {
			f.Add(s[0], s[headerSize:])
		}
	}
	f.Fuzz(func(t *testing.T, ft byte, p []byte) {
		if len(p) > 1<<20 || ft == 0 || int(ft) >= len(frameTexts) {
			return
		}
		l, s, stop := loneLink()
		defer stop()
		l.regions = []boundRegion{{name: "User"}, {name: "State"}}
		r := l.m.c.Regions()[1]
		s.their, s.theirs = &theirRound{n: 1}, &answering{part: part{r, converge.All}, n: 1}
		s.round, s.ours = &round{n: 1, refused: map[string]bool{}}, &asking{part: part{r, converge.All}, n: 1, level: 6}
		if len(p)%2 == 0 { // its sketch has come
			s.ours.mine, s.ours.room = map[string]cache.Stamp{"a": {}}, 2
		}
		s.ours.filling = len(p)%3 == 0
		feed(l, s, appendFrame(nil, frameType(ft), p))
	})
}

// The first bytes of a stranger, on both sides of a connection.
func FuzzHello(f *testing.F) {
	good := appendJSON(nil, frameHello, &hello{Version: 1, Cluster: "default", identity: identity{ID: 5, Host: "h"}, Regions: []regionInfo{{Name: "r", Mode: "m"}}})
	for _, s := range append(extremes(), good, good[:len(good)-1], fr(frameHello, []byte(`{"version":1e99}`)), fr(frameHello, []byte(`{"id":"-1"}`)),
		fr(frameHello, []byte(`{"version":1,"id":"5","host":"\u0000\u001b"}`)), fr(frameHello, bytes.Repeat([]byte("["), maxHello))) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, _, stop := loneLink()
		defer stop()
		h, err := l.m.readHello(&input{Reader: bufio.NewReader(bytes.NewReader(b))})
		if err != nil {
			return
		}
		if err := l.m.check(h); err == nil && (len(h.Host) > maxName || h.ID == 0 || h.Cluster != l.m.c.Cluster) {
			t.Errorf("%+v is welcome", h)
		}
	})
}

func TestReadFrameAllocatesWhatArrives(t *testing.T) {
	head := []byte{byte(frameChanges), 4, 0, 0, 0} // 64 MiB
	_, buf, err := readFrame(io.MultiReader(bytes.NewReader(head), strings.NewReader("abc")), nil)
	if err != io.ErrUnexpectedEOF || cap(buf) > 2*firstPiece {
		t.Errorf("%d bytes for 3 that came, %v", cap(buf), err)
	}
	big := bytes.Repeat([]byte("x"), 5<<20)
	ft, buf, err := readFrame(bytes.NewReader(appendFrame(nil, frameElements, big)), nil)
	if ft != frameElements || !bytes.Equal(buf, big) || err != nil {
		t.Errorf("%s of %d bytes, %v", ft, len(buf), err)
	}
	for ft := frameHello; int(ft) < len(frameTexts); ft++ {
		head := appendHeader(nil, ft, ft.limit()+1)
		if _, _, err := readFrame(bytes.NewReader(head), nil); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("%s: one byte too many: %v", ft, err)
		}
	}
}

func TestPayloadRoundTrips(t *testing.T) {
	e := converge.Entry{Key: "k", Stamp: cache.Stamp{Time: 5, Node: cache.NodeID(most)}}
	sc := &scan{s: string(appendEntry(appendEntry(nil, e), converge.Entry{}))}
	if a, b := readEntry(sc), readEntry(sc); a != e || b != (converge.Entry{}) || sc.bad || sc.s != "" {
		t.Errorf("%+v, %+v", a, b)
	}
	words := []uint64{0, 1, most}
	if got := readWords(&scan{s: string(appendWords(nil, words))}, 3); !slices.Equal(got, words) {
		t.Error(got)
	}
	sc = &scan{s: string(appendWords(nil, words))}
	if readWords(sc, 2); !sc.bad {
		t.Error("more words than are allowed")
	}
}
