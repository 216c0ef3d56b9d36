// SPDX-License-Identifier: Apache-2.0

package web

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
)

func TestStampRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// The years that time prints with four digits.
		s := cache.StampAt(rapid.Int64Range(1, 253402300799999).Draw(t, "ms"), cache.NodeID(rapid.Uint64().Draw(t, "node")))
		s.Time |= uint64(rapid.Uint16().Draw(t, "counter"))
		if got, err := cache.ParseStamp(s.String()); err != nil || got != s {
			t.Fatalf("%s came back as %v, %v", s, got, err)
		}
	})
	if s, err := cache.ParseStamp("-"); err != nil || !s.IsZero() {
		t.Errorf("none: %v, %v", s, err)
	}
}

// FuzzRequest has whatever a request says come to a command within its limits,
// or to nothing.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"/v1/regions/User/elements/k?update&max-life=1h", "/v1/regions/User/elements/%00g%ff%ff%ff%ff%0f?local", "/v1/regions/%00/keys?pattern=(",
		"/v1/regions/a/elements/%2e%2e/%2e?group=%00", "/v1/regions//elements", "/v1/regions/a/groups/%00f%06", "/v1/regions/a/elements/k?tag=&tag=%00&tag=%ff", "/v1/regions/a/tags/%00f%0d", "/v1/regions/a/elements?max-life=9223372036854775807ns",
		"/v1/regions/a/elements/" + strings.Repeat("%00", 1000), "/v1/regions/a/elements/k?max-idle=2562047h47m16.854775808s", "*", "/"} {
		f.Add("PUT", s, int64(math.MaxInt64))
		f.Add("DELETE", s, int64(-1))
		f.Add("GET", s, int64(0))
	}
	f.Fuzz(func(t *testing.T, method, target string, length int64) {
		r, err := http.NewRequest(method, "http://lateral"+target, strings.NewReader("value"))
		if err != nil {
			return
		}
		r.ContentLength = length
		n := newNode()
		w := httptest.NewRecorder()
		n.front().Handler().ServeHTTP(w, r)
		for _, c := range n.asked {
			floor := false
			if c.Op != cache.RemoveGroup && c.Op != cache.RemoveTag {
				_, _, floor = cache.SplitFloor(c.Key)
			}
			if floor || c.Region == "" || len(c.Region) > cache.MaxRegion || len(c.Key) > cache.MaxKey && c.Op != cache.RemoveGroup && c.Op != cache.RemoveTag {
				t.Errorf("%s %q became %+v", method, target, c)
			}
			if c.Key == "" && (c.Op == cache.Remove || c.Op == cache.Put || c.Op == cache.Get) {
				t.Errorf("%s %q became %+v", method, target, c)
			}
			if c.Attr != nil && cache.CheckTags(c.Attr.Tags) != nil {
				t.Errorf("%q: tags %q", target, c.Attr.Tags)
			}
			if a := c.Attr; a != nil && (a.MaxLife == 0 || a.MaxLife < -1) {
				t.Errorf("%q: lifetime %d", target, a.MaxLife)
			}
		}
	})
}

// FuzzAnswer feeds the client what a service might say.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"key":"k","stamp":"2026-11-22T10:41:46.308Z+65535@75f5f11782c67029","max_life_s":1e300,"bytes":5}`, "value")
	f.Add(200, `{"stamp":"9999-12-31T23:59:59.999Z+99999@ffffffffffffffff"}`, "")
	f.Add(200, `{"keys":[{"key":"=","key_encoding":"base64"}],"stamp":"x+y@z"}`, `{"keys":[{"key":"AA","key_encoding":"base64","group":"%"}]}`)
	f.Add(404, "", `{"error":{"code":"miss"}}`)
	f.Add(500, "", `{"error":null}`)
	f.Fuzz(func(t *testing.T, status int, meta, body string) {
		answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(metaHeader, meta)
			w.WriteHeader(100 + (status%500+500)%500)
			w.Write([]byte(body))
		})
		c := &Client{Service: "s", http: &http.Client{Transport: direct{answers}}}
		for _, op := range []cache.Op{cache.Get, cache.Keys, cache.Put, cache.RemoveAll} {
			rep, err := c.Do(t.Context(), cache.Command{Op: op, Region: "R", Key: "k"})
			if err == nil && op == cache.Get && rep.Found && rep.Element.Attr == nil {
				t.Error("an element without attributes")
			}
		}
		if s, err := cache.ParseStamp(meta); err == nil && s.String() != meta && meta != "" {
			if again, err := cache.ParseStamp(s.String()); err != nil || again != s {
				t.Errorf("%q is %s, which is %v, %v", meta, s, again, err)
			}
		}
	})
}

// direct is a transport without a connection.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}
