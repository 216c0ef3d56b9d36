// SPDX-License-Identifier: Apache-2.0

package httpsession_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lateral/cache"
	"lateral/httpsession"
	"lateral/lateraltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a program on each node of a cluster, and one browser.
type site struct {
	t      *testing.T
	c      *lateraltest.Cluster
	config httpsession.Config
	cookie *http.Cookie
}

func run(t *testing.T, nodes int, f func(s *site)) {
	synctest.Test(t, func(t *testing.T) {
		f(&site{t: t, c: lateraltest.New(t, nodes), config: httpsession.Config{Region: "Sessions"}})
	})
}

func pages(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Page", r.URL.Path)
	ses := httpsession.From(r.Context())
	var err error
	switch r.URL.Path {
	case "/login":
		ses.Renew()
		err = ses.Set("user", r.FormValue("user"))
	case "/set":
		err = ses.Set(r.FormValue("name"), r.FormValue("value"))
	case "/unset":
		err = ses.Remove(r.FormValue("name"))
	case "/logout":
		err = ses.End()
	case "/early":
		w.WriteHeader(http.StatusEarlyHints)
		err = ses.Set("a", "1")
	case "/late":
		fmt.Fprint(w, "begun")
		if ses.Set("x", "y") != httpsession.ErrLate || ses.Renew() != httpsession.ErrLate || ses.End() != httpsession.ErrLate {
			panic("too late, and it is not said")
		}
		return
	}
	if err != nil {
		panic(err)
	}
	user, _ := ses.Get("user")
	fmt.Fprintf(w, "user=%s a=%s b=%s", user, first(ses.Get("a")), first(ses.Get("b")))
}

func first(v string, _ bool) string { return v }

// ask sends a request to the program of a node.
func (s *site) ask(node int, path string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.send(node, path, s.cookie)
}

func (s *site) send(node int, path string, with *http.Cookie) *httptest.ResponseRecorder {
	s.t.Helper()
	sessions, err := httpsession.New(s.c.Node(node), s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(context.Background(), "GET", path, nil)
	if with != nil {
		r.AddCookie(with)
	}
	w := httptest.NewRecorder()
	sessions.Wrap(http.HandlerFunc(pages)).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if s.cookie = c; c.MaxAge < 0 {
			s.cookie = nil
		}
	}
	return w
}

func (s *site) expect(node int, path, want string) {
	s.t.Helper()
	if w := s.ask(node, path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
		s.t.Errorf("%s at node %d: %d %q, want %q", path, node, w.Code, w.Body, want)
	}
}

// A session is the same on every node, survives the one that made it, and ends
// everywhere at once.
func TestAcrossNodes(t *testing.T) {
	run(t, 3, func(s *site) {
		s.expect(0, "/login?user=anna", "user=anna")
		s.expect(1, "/", "user=anna")
		s.c.Kill(0)
		s.expect(2, "/set?name=a&value=1", "user=anna a=1")
		s.expect(1, "/", "user=anna a=1")
		was := s.cookie
		s.expect(1, "/logout", "user= ")
		if s.cookie != nil {
			s.t.Error("the cookie stays")
		}
		for node := 1; node <= 2; node++ {
			if w := s.send(node, "/", was); !strings.Contains(w.Body.String(), "user= ") {
				s.t.Errorf("after the log-out: %q", w.Body)
			}
		}
	})
}

// The next request sees what the last one wrote, though the write has not
// reached its node by itself.
func TestReadYourWrites(t *testing.T) {
	run(t, 3, func(s *site) {
		s.expect(0, "/login?user=anna", "")
		s.c.Delay(0, 2, 100*time.Millisecond)
		for i := range 5 {
			s.expect(0, fmt.Sprintf("/set?name=a&value=%d", i), "")
			s.expect(2, "/", fmt.Sprintf("a=%d", i))
		}
	})
}

// The cookie is as safe as browsers let it be, and so are ids and keys.
func TestCookie(t *testing.T) {
	run(t, 2, func(s *site) {
		if w := s.ask(0, "/"); len(w.Result().Cookies()) != 0 {
			s.t.Error("who stores nothing is given a cookie")
		}
		w := s.ask(0, "/login?user=anna")
		c := s.cookie
		if c == nil || c.Name != "__Host-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
			s.t.Errorf("%+v", c)
		}
		if w.Header().Get("Vary") != "Cookie" || !strings.Contains(w.Header().Get("Cache-Control"), "Set-Cookie") {
			s.t.Error(w.Header())
		}
		id, _, _ := strings.Cut(c.Value, ".")
		if len(id) != 43 {
			s.t.Errorf("id %q", id)
		}
		st, _ := s.c.Node(0).Store("Sessions")
		if _, found := st.Get(st.Now(), id); found {
			s.t.Error("the id is a key of the region")
		}
		if w := s.ask(0, "/"); len(w.Result().Cookies()) != 0 {
			s.t.Error("who only reads is given a cookie")
		}
		s.config.Insecure, s.config.Persistent, s.cookie = true, true, nil
		if s.ask(0, "/login?user=anna"); s.cookie.Name != "session" || s.cookie.Secure || s.cookie.MaxAge != 12*3600 {
			s.t.Errorf("%+v", s.cookie)
		}
	})
}

// Nobody can plant an id: one that was made up is not adopted, and the one from
// before the log-in is gone after it, on every node.
func TestFixation(t *testing.T) {
	run(t, 2, func(s *site) {
		planted := &http.Cookie{Name: "__Host-session", Value: strings.Repeat("A", 43) + "."}
		s.send(0, "/login?user=anna", planted)
		if s.cookie == nil || strings.HasPrefix(s.cookie.Value, "AAAA") {
			s.t.Fatalf("%+v", s.cookie)
		}
		s.cookie = nil
		s.expect(0, "/set?name=a&value=1", "a=1")
		before := s.cookie
		for name, value := range map[string]string{"too long": before.Value + strings.Repeat("f", 1024), "no id": before.Value[:42]} {
			if w := s.send(0, "/", &http.Cookie{Name: before.Name, Value: value}); !strings.Contains(w.Body.String(), "a= ") {
				s.t.Errorf("%s: %q", name, w.Body)
			}
		}
		id, _, _ := strings.Cut(before.Value, ".")
		never := cache.Token{Stamp: cache.StampAt(time.Now().Add(time.Hour).UnixMilli(), 0)}
		if w := s.send(0, "/", &http.Cookie{Name: before.Name, Value: id + "." + never.String()}); w.Code != 200 || !strings.Contains(w.Body.String(), "a=1") {
			s.t.Errorf("a token of what is not written yet: %d %q", w.Code, w.Body)
		}
		s.expect(1, "/login?user=anna", "user=anna a=1")
		if before.Value == s.cookie.Value {
			s.t.Error("the id is the same")
		}
		for node := range 2 {
			if w := s.send(node, "/", before); !strings.Contains(w.Body.String(), "user= a= ") {
				s.t.Errorf("the old id: %q", w.Body)
			}
		}
		for _, bad := range []string{"x", strings.Repeat("A", 5000), strings.Repeat("A", 43) + ".zzz", strings.Repeat("A", 43) + "." + strings.Repeat("f", 33)} {
			if w := s.send(0, "/", &http.Cookie{Name: "__Host-session", Value: bad}); w.Code != 200 {
				s.t.Errorf("%.60q: %d", bad, w.Code)
			}
		}
	})
}

// Sessions end after the idle time unless used, on whatever node, and after
// their whole life in any case.
func TestLifetimes(t *testing.T) {
	run(t, 2, func(s *site) {
		s.expect(0, "/login?user=anna", "")
		for i := range 35 { // 11 h 40 min
			time.Sleep(20 * time.Minute)
			s.expect(i%2, "/", "user=anna")
		}
		s.expect(0, "/set?name=a&value=1", "user=anna a=1") // a write prolongs nothing
		time.Sleep(15 * time.Minute)
		s.expect(1, "/", "user=anna")
		time.Sleep(6 * time.Minute)
		s.expect(0, "/", "user= ")
		s.expect(1, "/", "user= ")

		s.expect(0, "/login?user=carl", "")
		time.Sleep(20 * time.Minute)
		s.config.Life = 15 * time.Minute // as of a new release
		s.expect(0, "/", "user= ")
		s.config.Life = 0

		s.expect(0, "/login?user=berta", "")
		time.Sleep(31 * time.Minute)
		s.expect(0, "/", "user= ")
	})
}

// Concurrent requests of one session lose nothing of each other, on one node
// or on two.
func TestConcurrent(t *testing.T) {
	run(t, 2, func(s *site) {
		s.expect(0, "/login?user=anna", "")
		cookie := s.cookie
		var all sync.WaitGroup
		s.c.Delay(0, 1, 5*time.Millisecond)
		for i, name := range []string{"a", "b"} {
			for k := range 20 {
				all.Go(func() {
					sessions, _ := httpsession.New(s.c.Node(i), s.config)
					r := httptest.NewRequest("GET", fmt.Sprintf("/set?name=%s&value=%d", []string{name, fmt.Sprint(name, k)}[k%2], k), nil)
					r.AddCookie(cookie)
					w := httptest.NewRecorder()
					sessions.Wrap(http.HandlerFunc(pages)).ServeHTTP(w, r)
					if w.Code != 200 {
						s.t.Error(w.Code, w.Body)
					}
				})
			}
		}
		all.Wait()
		s.c.AssertConverged()
		w := s.ask(1, "/")
		if strings.Contains(w.Body.String(), "a= ") || strings.HasSuffix(w.Body.String(), "b=") {
			s.t.Errorf("%q", w.Body)
		}
	})
}

// What could be lost is not told to the browser as done.
func TestNotReplicated(t *testing.T) {
	run(t, 2, func(s *site) {
		s.expect(0, "/set?name=a&value=1", "a=1")
		before := s.cookie.Value
		s.c.Kill(1)
		for _, path := range []string{"/login?user=anna", "/set?name=a&value=2", "/logout"} {
			w := s.ask(0, path)
			if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("Set-Cookie") != "" || w.Header().Get("Page") != "" || strings.Contains(w.Body.String(), "user=") {
				s.t.Errorf("%s: %d %v %q", path, w.Code, w.Header(), w.Body)
			}
		}
		if s.cookie == nil || s.cookie.Value != before {
			s.t.Error("the cookie changed")
		}
	})
}

// A session that ended elsewhere while a request was under way stays ended.
func TestEndedMeanwhile(t *testing.T) {
	run(t, 2, func(s *site) {
		s.expect(0, "/login?user=anna", "")
		was := s.cookie
		sessions, _ := httpsession.New(s.c.Node(1), s.config)
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.AddCookie(was)
		sessions.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.expect(0, "/logout", "")
			time.Sleep(time.Second)
			httpsession.From(r.Context()).Set("a", "back")
		})).ServeHTTP(w, r)
		if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
			s.t.Errorf("the browser is not told: %v", c)
		}
		s.c.AssertConverged()
		for node := range 2 {
			if w := s.send(node, "/", was); !strings.Contains(w.Body.String(), "user= a= ") {
				s.t.Errorf("it is back: %q", w.Body)
			}
		}
	})
}

// Nothing changes once the answer has begun; interim answers do not begin it.
func TestLate(t *testing.T) {
	run(t, 2, func(s *site) {
		s.expect(0, "/late", "begun")
		if s.cookie != nil {
			s.t.Error("a session was made")
		}
		s.expect(0, "/unset?name=a", "")
		if s.cookie != nil {
			s.t.Error("a session was made of nothing")
		}
		if w := s.ask(0, "/early"); !strings.Contains(w.Body.String(), "a=1") { // and it panics if that was the answer
			s.t.Errorf("%q", w.Body)
		}
		for want, c := range map[string]httpsession.Config{"names no region": {}, "negative": {Region: "Sessions", Idle: -1}} {
			if _, err := httpsession.New(s.c.Node(0), c); err == nil || !strings.Contains(err.Error(), want) {
				s.t.Error(err)
			}
		}
	})
}
