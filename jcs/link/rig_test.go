// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lateral/cache"
	"lateral/changelog"
	"lateral/converge"
	"lateral/javaser"
	"lateral/jcs"
	"lateral/region"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ourID = 0x5eed

// A rig is one endpoint's Java side with a region, on loopback.
type rig struct {
	*Links
	t     *testing.T
	log   *changelog.Log
	alpha *region.Region
	clock *cache.Clock
	ln    net.Listener
}

func newRig(t *testing.T, change func(c *Config)) *rig {
	r := &rig{t: t, clock: &cache.Clock{Node: 7}}
	c := Config{Requester: ourID, Gen: jcs.JCS3, Receive: true, Filter: true, OpenTime: 5 * time.Second, AnswerTime: 5 * time.Second, Clock: r.clock,
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		}}
	c.Log = changelog.New(7, 64<<10)
	gates := region.Gates{UseLateral: true, AllowPut: true, Receive: true, FilterRemoveByHashCode: true}
	var err error
	r.alpha, err = region.New(region.Settings{Name: "alpha", MaxObjects: -1, Attr: cache.DefaultAttributes,
		Auxiliaries: []region.Binding{{Name: "LTCP", Kind: cache.Lateral, Aux: noter{r}, Gates: gates}}}, r.clock, converge.New(1))
	if err != nil {
		t.Fatal(err)
	}
	c.Regions = func() []Region { return []Region{r.alpha} }
	c.Region = func(name string) (Region, bool) { return r.alpha, name == "alpha" }
	if change != nil {
		change(&c)
	}
	r.log = c.Log
	r.Links = New(c)
	if r.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { r.Run(ctx); done <- struct{}{} }()
	go func() { r.Accept(ctx, r.ln); done <- struct{}{} }()
	t.Cleanup(func() { stop(); <-done; <-done })
	return r
}

type noter struct{ *rig }

func (n noter) Note(c cache.Change) { n.log.Append(&c) }
func (n noter) Fetch(context.Context, string, string) (cache.Element, bool, error) {
	return cache.Element{}, false, nil
}

// put and remove are the application's.
func (r *rig) put(key, value string) {
	r.do(cache.Command{Op: cache.Put, Key: key, Value: cache.Value{Bytes: value}})
}

func (r *rig) do(c cache.Command) {
	r.t.Helper()
	if _, err := r.alpha.Apply(time.Now().UnixMilli(), c); err != nil {
		r.t.Fatal(err)
	}
}

// value is what is held of a key, "" for nothing.
func (r *rig) value(key string) string {
	e, _ := r.alpha.Get(time.Now().UnixMilli(), key)
	return e.Value.Bytes
}

// await waits for what goroutines of others bring about.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// A dialler is a Java node's connection to us.
type dialler struct {
	t *testing.T
	net.Conn
	g *jcs.Generation
	w *jcs.Writer
	r *jcs.Replies
}

func (r *rig) dialler(g *jcs.Generation) *dialler {
	r.t.Helper()
	c, err := net.Dial("tcp", r.ln.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return &dialler{r.t, c, g, jcs.NewWriter(g, jcs.Serializer{}), jcs.NewReplies(c, g.Framed, jcs.Serializer{})}
}

// send says something as node 99.
func (d *dialler) send(m jcs.Message) {
	d.t.Helper()
	m.Gen = d.g
	if m.Requester == 0 && !m.Op.Asks() {
		m.Requester = 99
	}
	if m.Region == "" {
		m.Region = "alpha"
	}
	b, err := d.w.Encode(&m)
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.Write(b); err != nil {
		d.t.Fatal(err)
	}
}

// origins is the time from which tests count: a little ago.
var origins = time.Now().Add(-10 * time.Second).UnixMilli()

// update is a put of a text, created so many milliseconds after origins.
func update(key, value string, ms int64) jcs.Message {
	at := time.UnixMilli(origins + ms)
	return jcs.Message{Op: jcs.Update, Hash: jcs.NoHash, Element: jcs.Element{Key: &javaser.String{S: key}, Value: &javaser.String{S: value},
		Attr: &jcs.Attributes{Eternal: true, Lateral: true, Remote: true, Spool: true, MaxLife: -1, MaxIdle: -1, Created: at, Accessed: at}}}
}

func remove(key javaser.Value) jcs.Message {
	return jcs.Message{Op: jcs.Remove, Hash: jcs.NoHash, Element: jcs.Element{Key: key}}
}

// fence returns when all that was sent before is applied: a miss is answered.
func (d *dialler) fence() {
	d.t.Helper()
	d.send(jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Key: &javaser.String{S: "no such key"}}})
	if v := d.reply(); v != nil {
		d.t.Fatalf("%v", javaser.Tree(v))
	}
}

func (d *dialler) reply() javaser.Value {
	d.t.Helper()
	d.SetReadDeadline(time.Now().Add(20 * time.Second))
	v, err := d.r.Next()
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// A listener is a Java node that we dial.
type listener struct {
	t  *testing.T
	ln net.Listener
}

func newListener(t *testing.T) *listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return &listener{t, ln}
}

func (l *listener) addr() string { return l.ln.Addr().String() }

// down and up are the node's end and its start on the same port.
func (l *listener) down() { l.ln.Close() }

func (l *listener) up() {
	l.t.Helper()
	ln, err := net.Listen("tcp", l.addr())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { ln.Close() })
	l.ln = ln
}

// accept returns the next connection and a reader of what comes.
func (l *listener) accept() (net.Conn, *jcs.Reader) {
	l.t.Helper()
	c, err := l.ln.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { c.Close() })
	return c, nil
}

// read returns the next message of a connection; the reader is made with the
// first bytes.
func read(t *testing.T, c net.Conn, r **jcs.Reader) *jcs.Message {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if *r == nil {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatal(err)
		}
		*r = jcs.NewReader(c, head, jcs.Serializer{})
	}
	m, err := (*r).Next()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// silent reports whether nothing comes for a while.
func silent(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func tree(v javaser.Value) string { return javaser.Tree(v) }
