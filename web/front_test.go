// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// TestRoundTrip has every awkward key and value arrive at the node, and come
// back, as the bytes they are.
func TestRoundTrip(t *testing.T) {
	n := newNode()
	c := serve(t, n)
	ctx := t.Context()
	for _, text := range awkward() {
		for _, key := range []string{cache.PlainKey(text), cache.GroupKey("g"+text, text), cache.GroupKey("g", text)} {
			cmd := cache.Command{Op: cache.Put, Region: "R " + text, Key: key, Value: cache.Value{Bytes: text}}
			put, err := c.Do(ctx, cmd)
			if err != nil {
				t.Fatalf("put %q: %v", key, err)
			}
			if got := n.last(t); !reflect.DeepEqual(got, cmd) {
				t.Fatalf("put arrived as %+v, was %+v", got, cmd)
			}
			rep, err := c.Do(ctx, cache.Command{Op: cache.Get, Region: "R", Key: key})
			if err != nil || !rep.Found {
				t.Fatalf("get %q: %+v, %v", key, rep, err)
			}
			e := rep.Element
			if e.Key != key || e.Value.Bytes != text || e.Stamp != put.Stamp || e.Accessed != 1_800_000_000_001 || !e.Attr.Eternal {
				t.Fatalf("get %q came back as %+v", key, e)
			}
		}
	}
	rep, err := c.Do(ctx, cache.Command{Op: cache.Keys, Region: "R"})
	if err != nil {
		t.Fatal(err)
	}
	for k := range n.held {
		if !slices.Contains(rep.Keys, k) {
			t.Errorf("keys lack %q", k)
		}
	}
	if len(rep.Keys) != len(n.held) {
		t.Errorf("%d keys, held are %d", len(rep.Keys), len(n.held))
	}
}

// TestCommands has each operation with its options arrive as it was sent.
func TestCommands(t *testing.T) {
	n := newNode()
	c := serve(t, n)
	for _, cmd := range []cache.Command{
		{Op: cache.Put, Region: "User", Key: "k"},
		{Op: cache.Put, Region: "User", Key: "k", Origin: cache.LocalOnly},
		{Op: cache.Update, Region: "User", Key: "k", Value: cache.Value{Bytes: "v"}},
		{Op: cache.PutIfAbsent, Region: "User", Key: "k"},
		{Op: cache.Get, Region: "User", Key: "k", Origin: cache.LocalOnly},
		{Op: cache.Get, Region: "User", Key: "k", Token: cache.Token{Stamp: cache.Stamp{Time: 7 << 40, Node: 9}, Removed: true}},
		{Op: cache.Touch, Region: "User", Key: "k"},
		{Op: cache.Take, Region: "User", Key: cache.GroupKey("g", "k"), Acks: 2},
		{Op: cache.Touch, Region: "User", Key: cache.GroupKey("g", "elements/x"), Origin: cache.LocalOnly},
		{Op: cache.Remove, Region: "User", Key: "k"},
		{Op: cache.Remove, Region: "User", Key: "424242:"},
		{Op: cache.Remove, Region: "User", Key: cache.GroupKey("g", "k"), Origin: cache.LocalOnly},
		{Op: cache.RemoveAll, Region: "User"},
		{Op: cache.RemoveAll, Region: "User", Origin: cache.LocalOnly},
		{Op: cache.RemoveGroup, Region: "User", Key: "a/../g"},
		{Op: cache.RemoveTag, Region: "User", Key: "user:7/é &?"},
		{Op: cache.RemoveTag, Region: "User", Key: "..", Origin: cache.LocalOnly},
		{Op: cache.Keys, Region: "User", Pattern: "4.*[^/]+"},
	} {
		if _, err := c.Do(t.Context(), cmd); err != nil {
			t.Errorf("%s: %v", cmd.Op, err)
		} else if got := n.last(t); !reflect.DeepEqual(got, cmd) {
			t.Errorf("arrived as %+v, was %+v", got, cmd)
		}
	}
	if _, err := c.Do(t.Context(), cache.Command{Op: cache.Merge, Region: "User", Key: "k"}); !errors.Is(err, ErrRequest) {
		t.Errorf("merge over HTTP: %v", err)
	}
}

// TestLifetimes has a put with lifetimes of its own keep what else the region
// says, above all whether values may travel.
func TestLifetimes(t *testing.T) {
	n := newNode()
	c := serve(t, n)
	for _, x := range []struct {
		asked cache.Attributes
		want  cache.Attributes
	}{
		{cache.Attributes{MaxLife: 90 * time.Second}, cache.Attributes{Spool: true, MaxLife: 90 * time.Second, MaxIdle: own.MaxIdle}},
		{cache.Attributes{MaxIdle: time.Millisecond, MaxLife: -1}, cache.Attributes{Spool: true, MaxLife: -1, MaxIdle: time.Millisecond}},
		{cache.Attributes{Eternal: true, Lateral: true}, cache.Attributes{Eternal: true, Spool: true, MaxLife: own.MaxLife, MaxIdle: own.MaxIdle}},
	} {
		if _, err := c.Do(t.Context(), cache.Command{Op: cache.Put, Region: "User", Key: "k", Attr: &x.asked}); err != nil {
			t.Fatal(err)
		}
		if got := n.last(t).Attr; got == nil || *got != x.want {
			t.Errorf("asked for %+v: %+v, want %+v", x.asked, got, x.want)
		}
	}
}

// TestTags has the tags of a put, and nothing else of its attributes, arrive,
// and come back with the value.
func TestTags(t *testing.T) {
	n := newNode()
	c := serve(t, n)
	joined, err := cache.JoinTags("a,b", "user:7", "é\n\x7f&=%", "😀")
	if err != nil {
		t.Fatal(err)
	}
	want := own
	want.Tags = joined
	if _, err := c.Do(t.Context(), cache.Command{Op: cache.Put, Region: "User", Key: "k", Attr: &cache.Attributes{Tags: joined}}); err != nil {
		t.Fatal(err)
	}
	if got := n.last(t).Attr; got == nil || *got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want.MaxLife = time.Minute
	if _, err := c.Do(t.Context(), cache.Command{Op: cache.PutIfAbsent, Region: "User", Key: "l", Attr: &cache.Attributes{MaxLife: time.Minute, Tags: joined}}); err != nil {
		t.Fatal(err)
	}
	if got := n.last(t).Attr; got == nil || *got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	rep, err := c.Do(t.Context(), cache.Command{Op: cache.Get, Region: "User", Key: "k"})
	if err != nil || !rep.Found || rep.Element.Attr.Tags != joined {
		t.Errorf("%+v, %v", rep.Element.Attr, err)
	}
	if s := ElementOf(rep.Element); len(s.Tags) != 4 || s.Tags[0] != "a,b" {
		t.Errorf("%q", s.Tags)
	}
	for _, tags := range []string{strings.Repeat("x", cache.MaxTag+1), "a\x00\xff"} {
		_, err := c.Do(t.Context(), cache.Command{Op: cache.Put, Region: "User", Key: "k", Attr: &cache.Attributes{Tags: tags}})
		if !errors.Is(err, cache.ErrTag) {
			t.Errorf("%.20q: %v", tags, err)
		}
	}
	if rep, err := c.Do(t.Context(), cache.Command{Op: cache.RemoveTag, Region: "User", Key: "user:7"}); err != nil || rep.Count != 2 || len(n.held) != 0 {
		t.Errorf("%+v, %v; left are %d", rep, err, len(n.held))
	}
}

func TestReplies(t *testing.T) {
	n := newNode()
	c := serve(t, n)
	do := func(cmd cache.Command) cache.Reply {
		t.Helper()
		cmd.Region = "User"
		rep, err := c.Do(t.Context(), cmd)
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	if rep := do(cache.Command{Op: cache.Get, Key: "k"}); rep.Found {
		t.Errorf("a miss: %+v", rep)
	}
	do(cache.Command{Op: cache.Put, Key: cache.GroupKey("g", "1")})
	do(cache.Command{Op: cache.Put, Key: "1"})
	if rep := do(cache.Command{Op: cache.PutIfAbsent, Key: "1"}); !rep.Found {
		t.Errorf("put-if-absent: %+v", rep)
	}
	if rep := do(cache.Command{Op: cache.RemoveGroup, Key: "g"}); rep.Count != 1 || rep.Stamp.Node != 0xabc {
		t.Errorf("remove-group: %+v", rep)
	}
	if rep := do(cache.Command{Op: cache.RemoveAll}); rep.Count != 1 {
		t.Errorf("remove-all: %+v", rep)
	}
	st, err := c.Status(t.Context())
	if err != nil || st.Service != "groupware" || len(st.Regions) != 1 {
		t.Errorf("status: %+v, %v", st, err)
	}
}

// TestFailures has errors of the node keep their kind over the wire, and every
// answer its three texts.
func TestFailures(t *testing.T) {
	for status, is := range map[int]error{404: cache.ErrNoRegion, 400: cache.ErrKey, 413: cache.ErrTooLarge, 503: cache.ErrClosed, 504: context.DeadlineExceeded} {
		n := newNode()
		n.err = fmt.Errorf("region User: %w, number 17", is)
		c := serve(t, n)
		_, err := c.Do(t.Context(), cache.Command{Op: cache.Remove, Region: "User", Key: "k"})
		var f *Failure
		if !errors.Is(err, is) || !errors.As(err, &f) || f.Status != status || !strings.Contains(f.Saw, "number 17") || f.Why == "" || f.Do == "" {
			t.Errorf("%v came back as %#v", is, err)
		}
	}
	if f := failureOf(errors.New("boom")); f.Status != 500 || f.Code != "internal" || f.Unwrap() != nil {
		t.Errorf("unknown error: %+v", f)
	}
	if err := failureIn(502, strings.NewReader("<html>")); !strings.Contains(err.Error(), "502") {
		t.Errorf("an answer that is no JSON: %v", err)
	}
}

// TestBadRequests are refused before the node is asked.
func TestBadRequests(t *testing.T) {
	n := newNode()
	h := n.front().Handler()
	for _, c := range []struct {
		method, target string
		status         int
		says           string
	}{
		{"GET", "/v2/status", 400, "/v2/status"},
		{"GET", "/v1/regions/Nope", 404, "Nope"},
		{"GET", "/v1/regions/User/elements/", 400, "empty"},
		{"DELETE", "/v1/regions/User/elements/", 400, "empty"}, // and not everything
		{"GET", "/v1/regions/User/elements/k?lokal", 400, "lokal"},
		{"DELETE", "/v1/regions/User/elements?group=g", 400, "group"},
		{"PUT", "/v1/regions/User/elements/k?update&if-absent", 400, "exclude"},
		{"PUT", "/v1/regions/User/elements/k?local=perhaps", 400, "perhaps"},
		{"PUT", "/v1/regions/User/elements/k?max-life=5", 400, "duration"},
		{"PUT", "/v1/regions/User/elements/k?max-idle=-5s", 400, "duration"},
		{"PUT", "/v1/regions/User/elements/k?%zz", 400, "query"},
		{"PUT", "/v1/regions/" + strings.Repeat("r", cache.MaxRegion+1) + "/elements/k", 400, "1024"},
		{"PUT", "/v1/regions/User/elements/" + strings.Repeat("k", cache.MaxKey+1), 413, "65536"},
		{"PUT", "/v1/regions/User/elements/k?group=" + strings.Repeat("g", cache.MaxGroup+1), 413, "32768"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.target, nil))
		var body struct{ Error *Failure }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != c.status || !strings.Contains(body.Error.Saw, c.says) {
			t.Errorf("%s %.60s: %d %s", c.method, c.target, w.Code, w.Body)
		}
	}
	if len(n.asked) > 0 {
		t.Errorf("the node was asked: %+v", n.asked)
	}
}

// untouched fails a test that reads it.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// endless is a body without end that says nothing of its length.
type endless struct{ sent int }

func (e *endless) Read(p []byte) (int, error) { e.sent += len(p); return len(p), nil }

// TestValueLimit refuses a value that is too large: by its declared length
// before a byte is read, else as soon as it is over.
func TestValueLimit(t *testing.T) {
	n := newNode()
	put := func(body io.Reader, length int64) *httptest.ResponseRecorder {
		r := httptest.NewRequest("PUT", "/v1/regions/User/elements/k", body)
		r.ContentLength = length
		w := httptest.NewRecorder()
		n.front().Handler().ServeHTTP(w, r)
		return w
	}
	if w := put(untouched{t}, cache.MaxValue+1); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("declared: %d %s", w.Code, w.Body)
	}
	e := &endless{}
	if w := put(e, -1); w.Code != http.StatusRequestEntityTooLarge || e.sent > 4*cache.MaxValue {
		t.Errorf("endless: %d after %d bytes: %s", w.Code, e.sent, w.Body)
	}
	if len(n.asked) > 0 {
		t.Errorf("the node was asked")
	}
	if w := put(io.LimitReader(&endless{}, cache.MaxValue), cache.MaxValue); w.Code != http.StatusOK || len(n.last(t).Value.Bytes) != cache.MaxValue {
		t.Errorf("the largest: %d %s", w.Code, w.Body)
	}
}

// TestJSONElement is the form for programs without a client of ours.
func TestJSONElement(t *testing.T) {
	n := newNode()
	for _, v := range []string{"anna", "\xff\x00"} {
		n.held["k/\x00"] = cache.Element{Key: "k/\x00", Value: cache.Value{Bytes: v}, Attr: &cache.Attributes{MaxLife: 90 * time.Second, MaxIdle: -1}, Stamp: cache.StampAt(5, 1)}
		r := httptest.NewRequest("GET", "/v1/regions/User/elements/k%2F%00", nil)
		r.Header.Set("Accept", "application/json")
		w := httptest.NewRecorder()
		n.front().Handler().ServeHTTP(w, r)
		var e Element
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Value == nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		got, err := decode(*e.Value, e.ValueEncoding)
		if err != nil || got != v || e.Key != "k/\x00" || e.MaxLife != 90 || e.MaxIdle != -1 || e.Bytes != len(v) || e.Stamp != "1970-01-01T00:00:00.005Z+0@0000000000000001" {
			t.Errorf("%s", w.Body)
		}
	}
}

// TestDrain lets a request that is under way end before Serve returns.
func TestDrain(t *testing.T) {
	arrived, proceed := make(chan struct{}), make(chan struct{})
	f := &Front{Do: func(context.Context, cache.Command) (cache.Reply, error) {
		close(arrived)
		<-proceed
		return cache.Reply{Found: true}, nil
	}}
	ln, err := Listen(runtimeDir(t), "slow")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan error, 1)
	go func() { ended <- f.Serve(ctx, ln, nil) }()
	c := NewClient("slow", ln.Addr().String())
	defer c.Close()
	go func() {
		rep, err := c.Do(t.Context(), cache.Command{Op: cache.Remove, Region: "User", Key: "k"})
		if err == nil && !rep.Found {
			err = errors.New("another answer")
		}
		answered <- err
	}()
	<-arrived
	stop()
	select {
	case err := <-ended:
		t.Errorf("Serve returned %v while a request was under way", err)
	case <-time.After(20 * time.Millisecond): // the wrong outcome is given a chance; the right one waits for nothing
	}
	close(proceed)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Readiness is an answer by status: whoever decides where work goes reads no JSON.
func TestReady(t *testing.T) {
	n := newNode()
	f := n.front()
	ready := true
	f.Status = func() cache.Status {
		st := n.status()
		if st.Regions[0].Ready = ready; !ready {
			st.Regions[0].Unready = "filling 42 %, by 3 peers"
		}
		return st
	}
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if body := w.Body.String(); w.Code != want || !ready && !strings.Contains(body, "region User: filling 42 %, by 3 peers") {
			t.Errorf("%d, want %d: %s", w.Code, want, body)
		}
		ready = false
	}
}
