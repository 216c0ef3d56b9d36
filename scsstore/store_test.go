// SPDX-License-Identifier: Apache-2.0

package scsstore_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"go.uber.org/goleak"

	"lateral"
	"lateral/cache"
	"lateral/lateraltest"
	"lateral/scsstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ scs.CtxStore = (*scsstore.Store)(nil)
	_ scs.Store    = (*scsstore.Store)(nil)
)

// A shop is a program of a page or two, one instance for each node.
type shop struct {
	t        *testing.T
	c        *lateraltest.Cluster
	managers []*scs.SessionManager
}

func newShop(t *testing.T, nodes int) *shop {
	s := &shop{t: t, c: lateraltest.New(t, nodes)}
	for range nodes {
		m := scs.New()
		synctest.Wait() // what scs begins with has a goroutine that can be stopped once it runs
		m.Store.(*memstore.MemStore).StopCleanup()
		m.Lifetime, m.IdleTimeout = time.Hour, 10*time.Minute
		s.managers = append(s.managers, m)
	}
	return s
}

func (s *shop) store(i int) *scsstore.Store {
	st, err := scsstore.New(s.c.Node(i), "Sessions")
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// handler is the instance of node i.
func (s *shop) handler(i int) http.Handler {
	m := s.managers[i]
	m.Store = s.store(i) // the node may be another since
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := m.RenewToken(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		m.Put(r.Context(), "user", r.FormValue("user"))
	})
	mux.HandleFunc("/put", func(w http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), r.FormValue("k"), r.FormValue("v"))
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, k := range m.Keys(r.Context()) {
			fmt.Fprintf(w, "%s=%s ", k, m.GetString(r.Context(), k))
		}
	})
	return m.LoadAndSave(mux)
}

// A browser keeps one cookie.
type browser struct{ cookie string }

// get asks instance i and returns what it says.
func (b *browser) get(s *shop, i int, path string) string {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	w := httptest.NewRecorder()
	s.handler(i).ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return res.Status
	}
	return strings.TrimSpace(string(body))
}

func (b *browser) expect(s *shop, i int, path, want string) {
	s.t.Helper()
	if got := b.get(s, i, path); got != want {
		s.t.Errorf("node %d, %s: %q, want %q", i, path, got, want)
	}
}

// A session begins on one node, is there on the others, outlives the node that
// it began on, and is over everywhere when it is ended, or idle, on any.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 3)
		b := new(browser)
		b.expect(s, 0, "/login?user=anna", "")
		s.c.Kill(0)
		b.expect(s, 1, "/", "user=anna")
		b.expect(s, 2, "/put?k=cart&v=book", "")
		s.c.Restart(0)
		s.c.AssertConverged()
		b.expect(s, 0, "/", "cart=book user=anna")
		old := *b
		b.expect(s, 1, "/login?user=berta", "") // a new token, and the old one is worth nothing
		s.c.AssertConverged()
		old.expect(s, 2, "/", "")
		b.expect(s, 2, "/", "cart=book user=berta")

		time.Sleep(9 * time.Minute)
		b.expect(s, 0, "/", "cart=book user=berta") // which scs stores again: it was used
		time.Sleep(9 * time.Minute)
		b.expect(s, 1, "/", "cart=book user=berta")
		gone := *b
		time.Sleep(11 * time.Minute)
		gone.expect(s, 2, "/", "")

		b.expect(s, 2, "/login?user=carla", "")
		b.expect(s, 2, "/logout", "")
		s.c.AssertConverged()
		for i := range 3 {
			b.expect(s, i, "/", "")
			if st, _ := s.c.Node(i).Store("Sessions"); st.Len() != 0 {
				t.Errorf("node %d holds %d sessions", i, st.Len())
			}
		}
	})
}

// Two requests of one session at once on two nodes: the session is whole, the
// same everywhere, and as one of them left it.
func TestTwoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 2)
		b := new(browser)
		b.expect(s, 0, "/login?user=anna", "")
		s.c.AssertConverged()
		s.c.Delay(0, 1, 5*time.Millisecond)
		for n := range 20 {
			var both sync.WaitGroup
			for i := range 2 {
				both.Go(func() { one := *b; one.get(s, i, fmt.Sprintf("/put?k=n%d&v=%d", i, n)) })
			}
			both.Wait()
			s.c.AssertConverged()
			at0, at1 := b.get(s, 0, "/"), b.get(s, 1, "/")
			if at0 != at1 || !strings.HasSuffix(at0, "user=anna") || !strings.Contains(at0, fmt.Sprintf("=%d ", n)) {
				t.Fatalf("round %d: node 0 has %q, node 1 %q", n, at0, at1)
			}
		}
	})
}

// What scs asks of a store, and what it hears if peers are away.
func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 2)
		a := s.store(0)
		if err := a.Delete("none"); err != nil {
			t.Error(err)
		}
		for _, data := range []string{"one", "", "\x00bytes"} {
			if err := a.Commit("token:", []byte(data), time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			got, ok, err := s.store(1).Find("token:")
			if !ok || err != nil || string(got) != data {
				t.Errorf("%q: %q, %v, %v", data, got, ok, err)
			}
			for i := range got {
				got[i] = '!' // the caller's own
			}
			if again, _, _ := s.store(1).Find("token:"); string(again) != data {
				t.Errorf("%q has become %q", data, again)
			}
		}
		for key := range lateraltest.In(s.c, 0, "Sessions", lateral.Text).Keys() {
			if strings.Contains(key, "token") {
				t.Errorf("the region shows a token: %s", key)
			}
		}
		time.Sleep(1100 * time.Millisecond)
		if _, ok, err := a.Find("token:"); ok || err != nil {
			t.Errorf("over its time: %v, %v", ok, err)
		}
		if err := a.Commit("k", []byte("v"), time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if err := a.Commit("k", []byte("v"), time.Now().Add(-time.Second)); err != nil {
			t.Error(err)
		}
		if _, ok, _ := a.Find("k"); ok {
			t.Error("stored with an end that has been")
		}
		s.c.Partition(0)
		time.Sleep(10 * time.Second)
		if err := a.Commit("k", []byte("v"), time.Now().Add(time.Hour)); !errors.Is(err, cache.ErrNotReplicated) {
			t.Errorf("alone: %v", err)
		}
		if _, err := scsstore.New(s.c.Node(0), ""); err == nil {
			t.Error("a region without a name")
		}
	})
}
