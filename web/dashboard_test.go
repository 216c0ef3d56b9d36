// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lateral/cache"
)

// board returns the front of a node with a dashboard.
func (n *node) board(writes bool) *Front {
	f := n.front()
	f.Dashboard = &Dashboard{
		Look: func(context.Context) View { return View{Service: "groupware"} },
		Tree: func(v cache.Value) (string, bool) { return "a tree of " + v.Bytes, v.Form == cache.FormJava },
		Watch: func(string, int) (cache.Watcher, error) {
			return nil, fmt.Errorf("no watching")
		},
		Writes: func(*http.Request) bool { return writes },
	}
	return f
}

// ask sends a request to a front, with headers as "Name: value".
func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decodeInto[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}

// TestPage: every file is served with a policy that lets nothing else in, and
// nothing in it leads elsewhere.
func TestPage(t *testing.T) {
	f := newNode().board(false).Handler()
	files := []string{"dashboard/"}
	fs.WalkDir(pageFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	elsewhere := regexp.MustCompile(`(?i)https?:|//[a-z]|@import|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|\sstyle=|\son[a-z]+=`)
	for _, name := range files {
		w := ask(f, "GET", "/"+name, "")
		h := w.Header()
		if w.Code != 200 || h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != pageTypes[path.Ext(name)] && name != "dashboard/" {
			t.Errorf("%s: %d %v", name, w.Code, h)
		}
		text := strings.NewReplacer("http://www.w3.org/2000/svg", "").Replace(w.Body.String())
		if !strings.Contains(text, "SPDX-License-Identifier: Apache-2.0") {
			t.Errorf("%s has no licence", name)
		}
		if bad := elsewhere.FindString(text); bad != "" {
			t.Errorf("%s has %q", name, bad)
		}
		if w := ask(f, "GET", "/"+name, "", "If-None-Match: "+h.Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("%s again: %d", name, w.Code)
		}
	}
	if len(files) < 10 || !strings.HasPrefix(policy, "default-src 'self';") {
		t.Errorf("%v, %s", files, policy)
	}
	if w := ask(f, "GET", "/", ""); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "dashboard/" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(newNode().front().Handler(), "GET", "/dashboard/", ""); w.Code != http.StatusBadRequest {
		t.Errorf("without a dashboard: %d", w.Code)
	}
}

// TestListing: the first keys in order, with ids that lead back to them,
// whatever bytes they have.
func TestListing(t *testing.T) {
	n := newNode()
	keys := []string{cache.GroupKey("g<img>", "\xff"), cache.JavaKey('I', "5")}
	for _, text := range awkward() {
		keys = append(keys, cache.PlainKey(text))
	}
	for _, k := range keys {
		n.held[k] = cache.Element{Key: k, Value: cache.Value{Bytes: "v " + k}}
	}
	f := n.board(false).Handler()
	all := decodeInto[Listing](t, ask(f, "GET", "/dashboard/keys?region=User&limit=2000", ""))
	if all.Total != len(n.held) || len(all.Keys) != len(n.held) {
		t.Fatalf("%d of %d keys, held are %d", len(all.Keys), all.Total, len(n.held))
	}
	for _, k := range all.Keys {
		key, err := keyOfID(k.ID)
		if _, held := n.held[key]; err != nil || !held {
			t.Errorf("%+v leads to %q, %v", k, key, err)
		}
		w := ask(f, "GET", "/dashboard/element?region=User&id="+k.ID, "")
		if s := decodeInto[Shown](t, w); w.Code != 200 || s.Bytes != len("v "+key) || s.Name != k.Name {
			t.Errorf("%q: %d %s", key, w.Code, w.Body)
		}
		if w := ask(f, "GET", "/dashboard/why?region=User&id="+k.ID, ""); w.Code != 200 {
			t.Errorf("why %q: %d %s", key, w.Code, w.Body)
		}
	}
	first := decodeInto[Listing](t, ask(f, "GET", "/dashboard/keys?region=User&limit=3&pattern="+url.QueryEscape("x.*"), ""))
	if len(first.Keys) != 3 || first.Total <= 3 || first.Keys[0].Name.Text > first.Keys[1].Name.Text {
		t.Errorf("%+v", first)
	}
	for _, c := range n.asked {
		if c.Op == cache.Get && len(c.Key) > 0 && !slices.ContainsFunc([]byte(c.Key), func(b byte) bool { return b >= 0x80 }) {
			t.Errorf("%q was looked at by a get, which counts as an access", c.Key)
		}
		if c.Origin != cache.LocalOnly {
			t.Errorf("%+v may ask peers", c)
		}
	}
}

// TestShown: values as text, tree or bytes, no more of them than a page takes.
func TestShown(t *testing.T) {
	n := newNode()
	long := strings.Repeat("é", maxText)
	for _, c := range []struct {
		value cache.Value
		kind  string
		text  string
		cut   bool
	}{
		{cache.Value{Bytes: "<img src=x onerror=alert(1)>"}, "text", "<img src=x onerror=alert(1)>", false},
		{cache.Value{Bytes: ""}, "text", "", false},
		{cache.Value{Bytes: "\xff<b>"}, "hex", "00000000  ff 3c 62 3e                                       |.<b>|\n", false},
		{cache.Value{Bytes: "x" + long}, "text", "x" + long[:maxText-2], true},
		{cache.Value{Bytes: "\xac\xed", Form: cache.FormJava}, "tree", "a tree of \uFFFD", false},
		{cache.Value{Bytes: strings.Repeat("\xff", maxHex+1)}, "hex", "", true},
	} {
		n.held["k"] = cache.Element{Key: "k", Value: c.value}
		s := decodeInto[Shown](t, ask(n.board(false).Handler(), "GET", "/dashboard/element?region=User&id="+idOf("k"), ""))
		if s.Kind != c.kind || s.Cut != c.cut || c.text != "" && s.Text != c.text || s.Value != nil || s.Bytes != len(c.value.Bytes) {
			t.Errorf("%.40q: %.200v", c.value.Bytes, s)
		}
	}
}

// TestNothingIsMade: a region that is not there is refused before the node is
// asked, which would make it; so are keys that no element has.
func TestNothingIsMade(t *testing.T) {
	n := newNode()
	f := n.board(true).Handler()
	for _, c := range []struct {
		target string
		status int
	}{
		{"/dashboard/keys?region=Nope", 404}, {"/dashboard/keys", 404}, {"/dashboard/keys?region=User&limit=0", 400}, {"/dashboard/keys?region=User&limit=9999", 400},
		{"/dashboard/element?region=Nope&id=" + idOf("k"), 404}, {"/dashboard/element?region=User&id=", 400}, {"/dashboard/element?region=User&id=!", 400},
		{"/dashboard/element?region=User&id=" + idOf(cache.FloorKey(cache.RemoveAll, "")), 400}, {"/dashboard/element?region=User&id=" + idOf("\x00x"), 400},
		{"/dashboard/element?region=User&id=" + idOf(strings.Repeat("k", cache.MaxKey+1)), 413},
		{"/dashboard/why?region=Nope&id=" + idOf("k"), 404}, {"/dashboard/events?feed=Nope", 404},
	} {
		if w := ask(f, "GET", c.target, ""); w.Code != c.status {
			t.Errorf("%.80s: %d %s", c.target, w.Code, w.Body)
		}
	}
	if len(n.asked) > 0 {
		t.Errorf("the node was asked: %+v", n.asked)
	}
	if w := ask(f, "GET", "/dashboard/element?region=User&id="+idOf("k"), ""); w.Code != 404 {
		t.Errorf("a miss: %d %s", w.Code, w.Body)
	}
}

// TestActions: only where writes are allowed, with the header of the page, and
// from no other site.
func TestActions(t *testing.T) {
	const header, id = "Lateral-Action: dashboard", `"id":"aw"` // k
	remove := `{"do":"remove","region":"User",` + id + `}`
	for _, c := range []struct {
		name    string
		writes  bool
		body    string
		headers []string
		status  int
		op      cache.Op
	}{
		{"remove", true, remove, []string{header}, 200, cache.Remove},
		{"clear", true, `{"do":"clear","region":"User"}`, []string{header}, 200, cache.RemoveAll},
		{"verify", true, `{"do":"verify","region":"User"}`, []string{header}, 200, 0},
		{"verify all", true, `{"do":"verify"}`, []string{header}, 200, 0},
		{"own page", true, remove, []string{header, "Sec-Fetch-Site: same-origin"}, 200, cache.Remove},
		{"read only", false, remove, []string{header}, 403, 0},
		{"by a proxy that shows", true, remove, []string{header, readOnlyHeader + ": true"}, 403, 0},
		{"without the header", true, remove, nil, 403, 0},
		{"other site", true, remove, []string{header, "Sec-Fetch-Site: cross-site"}, 403, 0},
		{"other site, old browser", true, remove, []string{header, "Origin: http://evil.example"}, 403, 0},
		{"no JSON", true, `do=clear`, []string{header}, 400, 0},
		{"unknown field", true, `{"do":"clear","region":"User","all":true}`, []string{header}, 400, 0},
		{"unknown action", true, `{"do":"format","region":"User"}`, []string{header}, 400, 0},
		{"clear without a region", true, `{"do":"clear"}`, []string{header}, 404, 0},
		{"unknown region", true, `{"do":"clear","region":"Nope"}`, []string{header}, 404, 0},
		{"prefix", true, `{"do":"remove","region":"User","id":"` + idOf("4:") + `"}`, []string{header}, 400, 0},
		{"no key", true, `{"do":"remove","region":"User"}`, []string{header}, 400, 0},
		{"too long", true, `{"do":"` + strings.Repeat("x", maxAct) + `"}`, []string{header}, 400, 0},
	} {
		n := newNode()
		n.held["k"] = cache.Element{Key: "k"}
		w := ask(n.board(c.writes).Handler(), "POST", "/dashboard/act", c.body, c.headers...)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if c.op == 0 && len(n.asked) > 0 || c.op != 0 && (len(n.asked) != 1 || n.asked[0].Op != c.op) {
			t.Errorf("%s: the node was asked %+v", c.name, n.asked)
		}
	}
}

// TestGuard: other sites may send nothing that changes something, and what
// comes by a forwarded socket names this machine.
func TestGuard(t *testing.T) {
	f := newNode().board(true).Handler()
	for _, c := range []struct {
		method, target, header string
		status                 int
	}{
		{"POST", "/v1/regions/User/take/k", "Sec-Fetch-Site: cross-site", 403},
		{"DELETE", "/v1/regions/User/elements", "Origin: http://evil.example", 403},
		{"DELETE", "/v1/regions/User/elements", "Sec-Fetch-Site: same-origin", 200},
		{"DELETE", "/v1/regions/User/elements", "User-Agent: curl", 200},
		{"GET", "/v1/status", "Sec-Fetch-Site: cross-site", 200}, // whose answer the other site cannot read
	} {
		if w := ask(f, c.method, c.target, "", c.header); w.Code != c.status {
			t.Errorf("%s %s with %s: %d %s", c.method, c.target, c.header, w.Code, w.Body)
		}
	}
	for host, status := range map[string]int{"localhost": 200, "localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "lateral": 200,
		"evil.example": 421, "localhost.evil.example:8080": 421, "10.1.2.3": 421, "127.0.0.1.evil.example": 421} {
		r := httptest.NewRequest("GET", "/v1/status", nil)
		r.Host = host
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.UnixAddr{Name: "s", Net: "unix"}))))
		if w.Code != status {
			t.Errorf("host %s: %d, want %d", host, w.Code, status)
		}
	}
}
