// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Limits of streams.
const (
	maxStreams = 16                     // at once
	writeTime  = 5 * time.Second        // for one write; who reads more slowly is dropped
	feedPeriod = 250 * time.Millisecond // between two batches of the feed
)

// endKey is where Serve's context has the channel that is closed when it ends.
type endKey struct{}

// withEnd has streams end with Serve, which lets other requests finish.
func withEnd(ctx context.Context) context.Context {
	return context.WithValue(context.WithoutCancel(ctx), endKey{}, ctx.Done())
}

// Hello is the first event of a stream.
type Hello struct {
	Writes bool     `json:"writes"` // this reader may change something
	Feed   []string `json:"feed"`   // the regions whose changes follow
	More   int      `json:"more"`   // regions that were asked for, but are too many
}

// events streams a View each second, and the changes of the regions that are
// asked for with feed=REGION; feed alone is all of them.
func (b *board) events(w http.ResponseWriter, r *http.Request) {
	if !b.enter() {
		w.Header().Set("Retry-After", "5")
		refuse(w, &Failure{Status: http.StatusServiceUnavailable, Code: "busy", Saw: fmt.Sprintf("%d dashboards look at this service already", maxStreams),
			Why: "each costs memory and a connection", Do: "close one, or look at another service"})
		return
	}
	defer b.leave()
	hello := Hello{Writes: b.writes(r), Feed: []string{}}
	if q := r.URL.Query(); q.Has("feed") {
		var err error
		if hello.Feed, hello.More, err = b.wanted(q["feed"]); err != nil {
			fail(w, err)
			return
		}
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	fd := newFeed()
	defer fd.wait() // after cancel
	defer cancel()
	for _, name := range hello.Feed {
		if err := fd.follow(ctx, b.Watch, name); err != nil {
			fail(w, err)
			return
		}
	}
	s := &stream{w: w, c: http.NewResponseController(w)}
	s.c.SetReadDeadline(time.Time{}) // the one for requests would end it after a minute
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	if s.send("hello", hello) == nil {
		b.tell(ctx, s, fd)
	}
}

// enter takes one of the places for streams.
func (d *Dashboard) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.streams == maxStreams {
		return false
	}
	d.streams++
	return true
}

func (d *Dashboard) leave() {
	d.mu.Lock()
	d.streams--
	d.mu.Unlock()
}

// tell writes until the reader leaves, is too slow, or Serve ends.
func (b *board) tell(ctx context.Context, s *stream, fd *feed) {
	end, _ := ctx.Value(endKey{}).(<-chan struct{})
	look := time.NewTimer(0)
	defer look.Stop()
	var batch <-chan time.Time
	if fd.regions > 0 {
		t := time.NewTicker(feedPeriod)
		defer t.Stop()
		batch = t.C
	}
	sent := 0
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-batch:
			if events := fd.take(); len(events.Events) > 0 || events.Missed > 0 {
				err = s.send("feed", events)
			}
		case <-look.C:
			var f *frame
			if f, err = b.see(ctx); err == nil && f.number != sent {
				sent, err = f.number, s.write("view", f.data)
			}
			if f != nil {
				look.Reset(time.Until(f.at.Add(period)))
			}
		}
		if err != nil {
			return
		}
	}
}

// A stream writes events to one reader.
type stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

func (s *stream) send(event string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.write(event, data)
}

// write sends JSON, which has no line breaks.
func (s *stream) write(event string, data []byte) error {
	s.c.SetWriteDeadline(time.Now().Add(writeTime)) // a writer that has none is a test's
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	return s.c.Flush()
}
