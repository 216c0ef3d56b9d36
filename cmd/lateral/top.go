// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"time"

	"golang.org/x/term"

	"lateral/cache"
	"lateral/mesh"
)

type topCmd struct {
	Sort     string        `enum:"region,elements,bytes,gets,hits,puts,removes,evicted,received,stale" default:"gets" placeholder:"COLUMN" help:"Sort regions by region, elements, bytes, gets, hits, puts, removes, evicted, received or stale."`
	Interval time.Duration `default:"2s" placeholder:"DUR" help:"Time between two looks."`
	N        int           `short:"n" placeholder:"N" help:"Print N looks, one after the other, and end; where there is no terminal that is what is done, once by default."`
	Service  string        `placeholder:"NAME" help:"This service only; default all of this host."`
	place
}

func (*topCmd) Help() string {
	return `Shows the regions of the services of this host, with what happens in them per
second, their links, and the keys on which Java nodes disagree that a service
listens to (ListenOnly), and refreshes it. Keys: r e b g h p d v c s sort by the
column with that letter, q ends it. A narrow window has fewer columns. With -n,
or where the output is no terminal, each look is a text of its own, and tells of
the interval before it.

Examples:

  lateral top
  lateral top --sort bytes
  lateral top -n 5 --interval 10s >> top.log`
}

// leastInterval keeps top from asking all the time.
const leastInterval = 50 * time.Millisecond

// top shows looks at services.
type top struct {
	by   column // that rows are sorted by
	look func(context.Context) (*look, error)
	n    int // looks of plain

	out  *screen
	size func() (width, height int) // of the terminal
	tick <-chan time.Time
	keys <-chan byte // nil if there are none
}

func (c *topCmd) Run(ctx context.Context, s *streams) error {
	tick := time.NewTicker(max(c.Interval, leastInterval))
	defer tick.Stop()
	t := &top{by: columnOf(c.Sort), look: c.look, n: c.N, out: s.out, tick: tick.C}
	f, file := s.out.Writer.(*os.File)
	if c.N > 0 || !s.out.terminal || !file || os.Getenv("TERM") == "dumb" {
		return t.plain(ctx)
	}
	t.size = func() (int, int) {
		w, h, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80, 24
		}
		return w, h
	}
	keys, restore := rawKeys(s.in)
	defer restore()
	t.keys = keys
	return t.live(ctx)
}

// look asks the services once.
func (c *topCmd) look(ctx context.Context) (*look, error) {
	cs, err := c.services(c.Service)
	if err != nil {
		return nil, err
	}
	l := &look{}
	for _, h := range ask(ctx, cs) {
		h.client.Close()
		if h.err != nil {
			l.silent = append(l.silent, h.client.Service)
			continue
		}
		l.nodes = append(l.nodes, h.status)
	}
	l.mesh = mesh.Verdict(l.nodes...)
	return l, nil
}

// A look is what the services said at one time.
type look struct {
	nodes  []cache.Status
	silent []string // services that did not answer
	mesh   cache.MeshStatus
}

// plain prints a text for each interval.
func (t *top) plain(ctx context.Context) error {
	before, err := t.look(ctx)
	if err != nil {
		return err
	}
	for i := range max(t.n, 1) {
		select {
		case <-ctx.Done():
			return nil
		case <-t.tick:
		}
		now, err := t.look(ctx)
		if err != nil {
			return err
		}
		if i > 0 {
			t.out.printf("\n")
		}
		f := frame{by: t.by, colours: t.out.colours}
		t.out.printf("%s", f.draw(now, before))
		before = now
	}
	return nil
}

// What a terminal is told. A frame is one write, which overwrites the last one
// line by line: nothing is cleared that is not written again, so nothing
// flickers. It has a screen of its own, and what was there before comes back.
const (
	enter   = "\x1b[?1049h\x1b[?25l" // the other screen, no cursor
	leave   = "\x1b[?25h\x1b[?1049l"
	home    = "\x1b[H"
	restOf  = "\x1b[K"
	below   = "\x1b[J"
	newline = restOf + "\r\n" // the terminal is raw
)

// live refreshes one screen until it is told to end.
func (t *top) live(ctx context.Context) error {
	now, err := t.look(ctx)
	if err != nil {
		return err
	}
	t.out.printf("%s", enter)
	defer t.out.printf("%s", leave)
	var before *look
	for {
		t.paint(now, before)
		select {
		case <-ctx.Done():
			return nil
		case key, ok := <-t.keys:
			if !ok {
				t.keys = nil
			}
			if key == 'q' || key == ctrlC {
				return nil
			}
			if by, ok := columnBy(key); ok {
				t.by = by
			}
		case <-t.tick:
			next, err := t.look(ctx)
			if err != nil {
				next = &look{} // they may come back
			}
			before, now = now, next
		}
	}
}

// ctrlC is a key like others, as the terminal is raw.
const ctrlC = 3

// paint draws a frame over the last one.
func (t *top) paint(now, before *look) {
	width, height := t.size()
	// The last column stays free: a terminal erases what was just written there.
	f := frame{by: t.by, colours: t.out.colours, width: max(width-1, 1), height: height, keys: t.keys != nil}
	text := f.draw(now, before)
	t.out.printf("%s%s%s", home, bytes.ReplaceAll(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"), []byte(newline)), restOf+below)
}
