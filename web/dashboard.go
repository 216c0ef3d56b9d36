// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"sync"
	"time"

	"lateral/cache"
)

// A Dashboard is the page for people, and what it is made of beside the Front.
type Dashboard struct {
	// Look returns what is to be seen now. It is called once a second at most,
	// however many look, and by one caller at a time.
	Look func(ctx context.Context) View
	// Watch opens a queue of events of a region; see lateral.Node.WatchRegion.
	Watch func(region string, room int) (cache.Watcher, error)
	// Tree returns a value as text for people; ok is false if it is nothing but
	// bytes.
	Tree func(v cache.Value) (text string, ok bool)
	// Writes reports whether whoever sends a request may change something. nil:
	// nobody may.
	Writes func(r *http.Request) bool

	mu      sync.Mutex // guards what follows
	frame   *frame     // the last
	looking chan struct{}
	streams int
}

// readOnlyHeader is set by a proxy that gives people less than it has itself.
const readOnlyHeader = "Lateral-Read-Only"

// policy lets a page load nothing but what comes from this front, and make no
// markup of text.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

//go:embed dashboard
var pageFiles embed.FS

// pageTypes are the files that are served, by the ends of their names.
var pageTypes = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// pageNames are the paths of these files.
var pageNames = func() map[string]bool {
	names := map[string]bool{}
	fs.WalkDir(pageFiles, "dashboard", func(name string, _ fs.DirEntry, err error) error {
		names["/"+name] = err == nil && pageTypes[path.Ext(name)] != ""
		return nil
	})
	return names
}()

// A board is a dashboard on its front.
type board struct {
	*Dashboard
	front *Front
}

// dashboard adds the page and what it asks, if there is one.
func (f *Front) dashboard(m *http.ServeMux) {
	if f.Dashboard == nil {
		return
	}
	b := &board{f.Dashboard, f}
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "dashboard/") // relative, for proxies that put it elsewhere
		w.WriteHeader(http.StatusSeeOther)
	})
	fs.WalkDir(pageFiles, "dashboard", func(name string, d fs.DirEntry, err error) error {
		if kind, ok := pageTypes[path.Ext(name)]; ok && err == nil {
			m.HandleFunc("GET /"+name, page(name, kind))
		}
		return nil
	})
	m.HandleFunc("GET /dashboard/{$}", page("dashboard/index.html", pageTypes[".html"]))
	m.HandleFunc("GET /dashboard/events", b.events)
	m.HandleFunc("GET /dashboard/keys", b.keys)
	m.HandleFunc("GET /dashboard/element", b.element)
	m.HandleFunc("GET /dashboard/why", b.why)
	m.HandleFunc("POST /dashboard/act", b.act)
}

// page serves one file of the page.
func page(name, kind string) http.HandlerFunc {
	body, err := pageFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is in the program
	}
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", kind)
		w.Write(body) // the reader has gone if this fails
	}
}

// writes reports whether a request may change something.
func (b *board) writes(r *http.Request) bool {
	return b.Writes != nil && r.Header.Get(readOnlyHeader) == "" && b.Writes(r)
}

// known refuses regions that there are not: to name one would make it.
func (f *Front) known(region string) error {
	for _, s := range f.Status().Regions {
		if s.Region == region {
			return nil
		}
	}
	return fmt.Errorf("%w: %.100q", cache.ErrNoRegion, region)
}

// A frame is a View as all readers get it.
type frame struct {
	number int
	at     time.Time
	data   []byte
}

// Limits of looking.
const (
	period   = time.Second     // between two looks
	lookTime = 2 * time.Second // for one: who is silent for longer is told so
)

// see returns the frame of this second. Who comes first makes it.
func (d *Dashboard) see(ctx context.Context) (*frame, error) {
	for {
		d.mu.Lock()
		last, busy := d.frame, d.looking
		if last != nil && time.Since(last.at) < period {
			d.mu.Unlock()
			return last, nil
		}
		if busy == nil {
			d.looking = make(chan struct{})
			d.mu.Unlock()
			d.make(ctx, last)
			continue
		}
		d.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// make looks. Others wait for it, so it goes on when its own reader leaves.
func (d *Dashboard) make(ctx context.Context, last *frame) {
	f := &frame{number: 1}
	if last != nil {
		f.number += last.number
	}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		close(d.looking)
		d.looking = nil
		if f.data != nil {
			d.frame = f
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	data, _ := json.Marshal(d.Look(ctx)) // a View has only plain fields
	f.data, f.at = data, time.Now()      // when it is done: a slow look is not followed by the next at once
}
