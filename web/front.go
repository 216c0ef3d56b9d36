// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"

	"lateral/cache"
)

// A Front answers HTTP requests for one node. It knows regions only by asking.
type Front struct {
	Do     cache.Do
	Status func() cache.Status
	// Attributes are those of a region, which a put with a lifetime of its own
	// keeps otherwise.
	Attributes func(region string) (cache.Attributes, error)
	// Verify compares the replicas of a region, or with "" of all; see lateral.Node.
	Verify func(ctx context.Context, region string, repair bool) (cache.Verification, error)
	// Survey has all members of the node's groups send, listen and dial at one time.
	Survey func(ctx context.Context) []cache.Survey
	// Explain tells what all linked members know of a key.
	Explain func(ctx context.Context, region, key string) (cache.Explanation, error)
	// AskJava asks Java nodes what they hold; nil: there can be none. See lateral.Node.
	AskJava func(ctx context.Context, c cache.Command) ([]cache.JavaHeld, error)
	// Read tells what a value of Java's reads as; nil: it is never told. See Reading.
	Read func(v cache.Value) Reading
	// Reasons says why the node is not ready; nil: what its Status says.
	Reasons func(*cache.Status) []cache.Reason
	Metrics http.Handler // answers scrapes; nil: there are none
	Members Members      // nil: none can be forgotten here
	Level   Level        // how much is logged; nil: that is not to be changed here
	// Dashboard is the page for people; nil: there is none.
	Dashboard *Dashboard
}

// metaHeader carries what is known of an element beside its value.
const metaHeader = "Lateral-Element"

// tokenHeader carries a token: of what was written or read, in answers; of what
// is to be seen, in gets.
const tokenHeader = "X-Mesh-Stamp"

// Handler returns the interface that the package comment describes.
func (f *Front) Handler() http.Handler { return guard(f.routes(), overSocket) }

func (f *Front) routes() http.Handler {
	m := http.NewServeMux()
	f.watched(m)
	m.HandleFunc("GET /v1/status", f.status)
	m.HandleFunc("GET /v1/regions", f.regions)
	m.HandleFunc("GET /v1/regions/{region}", f.region)
	m.HandleFunc("GET /v1/regions/{region}/keys", f.keys)
	m.HandleFunc("DELETE /v1/regions/{region}/elements", f.remove(cache.RemoveAll))
	m.HandleFunc("GET /v1/regions/{region}/elements/{key...}", f.value(cache.Get))
	m.HandleFunc("PUT /v1/regions/{region}/elements/{key...}", f.put)
	m.HandleFunc("POST /v1/regions/{region}/touch/{key...}", f.touch)
	m.HandleFunc("POST /v1/regions/{region}/take/{key...}", f.value(cache.Take))
	m.HandleFunc("DELETE /v1/regions/{region}/elements/{key...}", f.remove(cache.Remove))
	m.HandleFunc("DELETE /v1/regions/{region}/groups/{group}", f.remove(cache.RemoveGroup))
	m.HandleFunc("DELETE /v1/regions/{region}/tags/{tag}", f.remove(cache.RemoveTag))
	m.HandleFunc("POST /v1/verify", f.verify)
	m.HandleFunc("POST /v1/survey", f.survey)
	m.HandleFunc("GET /v1/regions/{region}/why/{key...}", f.why)
	m.HandleFunc("GET /v1/regions/{region}/java", f.java)
	f.dashboard(m)
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, fmt.Errorf("%w: nothing is at %s %.100q", ErrRequest, r.Method, r.URL.Path))
	})
	return m
}

func (f *Front) status(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, f.Status()) }

func (f *Front) regions(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, f.Status().Regions)
}

func (f *Front) region(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("region")
	for _, s := range f.Status().Regions {
		if s.Region == name {
			answer(w, http.StatusOK, s)
			return
		}
	}
	fail(w, fmt.Errorf("%w: %.100q", cache.ErrNoRegion, name))
}

func (f *Front) keys(w http.ResponseWriter, r *http.Request) {
	c, err := command(r, cache.Keys)
	if err == nil {
		err = f.mayName(r, c.Region)
	}
	if err != nil {
		fail(w, err)
		return
	}
	rep, err := f.Do(r.Context(), c)
	if err != nil {
		fail(w, err)
		return
	}
	slices.Sort(rep.Keys)
	out := Keys{Region: c.Region, Keys: make([]Key, len(rep.Keys))}
	for i, k := range rep.Keys {
		out.Keys[i] = KeyOf(k)
	}
	answer(w, http.StatusOK, out)
}

// mayName refuses regions that there are not to who may only look.
func (f *Front) mayName(r *http.Request, region string) error {
	if r.Header.Get(readOnlyHeader) == "" {
		return nil
	}
	return f.known(region)
}

// value answers with the element that a Get or a Take returns.
func (f *Front) value(op cache.Op) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := command(r, op)
		if err == nil {
			c.Token, err = cache.ParseToken(r.Header.Get(tokenHeader))
		}
		if err == nil {
			err = f.mayName(r, c.Region)
		}
		var rep cache.Reply
		if err == nil {
			rep, err = f.Do(r.Context(), c)
		}
		if err == nil && !rep.Found {
			err = missed(c)
		}
		if err != nil {
			fail(w, err)
			return
		}
		f.send(w, r, &rep)
	}
}

// ascii writes JSON so that a header may hold it, tags in any language
// included.
func ascii(text string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune(text)) {
		if c < 0x7f {
			b.WriteByte(byte(c))
		} else {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

func (f *Front) put(w http.ResponseWriter, r *http.Request) {
	c, err := command(r, cache.Put)
	if err == nil {
		err = f.complete(&c, r.URL.Query()["tag"])
	}
	if err == nil {
		c.Value.Bytes, err = body(w, r)
	}
	if err != nil {
		fail(w, err)
		return
	}
	f.change(w, r, c)
}

// complete makes of the lifetimes that a put chose, and of its tags, all of its
// attributes.
func (f *Front) complete(c *cache.Command, tags []string) error {
	joined, err := cache.JoinTags(tags...)
	if err != nil || c.Attr == nil && joined == "" {
		return err
	}
	a, err := f.Attributes(c.Region)
	if c.Attr != nil {
		a = over(a, c.Attr)
	}
	a.Tags = joined
	c.Attr = &a
	return err
}

// touch answers like a change, though it is none.
func (f *Front) touch(w http.ResponseWriter, r *http.Request) {
	c, err := command(r, cache.Touch)
	var rep cache.Reply
	if err == nil {
		rep, err = f.Do(r.Context(), c)
	}
	if err == nil && !rep.Found {
		err = missed(c)
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, DoneOf(c.Op, &rep))
}

func missed(c cache.Command) error {
	return fmt.Errorf("%w: region %s has nothing under %q", errMiss, c.Region, cache.KeyText(c.Key))
}

// body reads a value. Room is made as bytes arrive: a length is only claimed.
func body(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.ContentLength > maxBody {
		return "", fmt.Errorf("%w: a value of %d bytes, at most %d are allowed", cache.ErrTooLarge, r.ContentLength, maxBody)
	}
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), 64<<10)) + bytes.MinRead)
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return "", fmt.Errorf("%w: a value of more than %d bytes", cache.ErrTooLarge, over.Limit)
	}
	if err != nil {
		return "", fmt.Errorf("%w: the value ends early: %v", ErrRequest, err)
	}
	return b.String(), nil
}

func (f *Front) remove(op cache.Op) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := command(r, op)
		if err != nil {
			fail(w, err)
			return
		}
		f.change(w, r, c)
	}
}

func (f *Front) change(w http.ResponseWriter, r *http.Request, c cache.Command) {
	rep, err := f.Do(r.Context(), c)
	if err != nil {
		fail(w, err)
		return
	}
	d := DoneOf(c.Op, &rep)
	w.Header().Set(tokenHeader, d.Token)
	answer(w, http.StatusOK, d)
}
