// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// TestAddJava: what Java nodes disagree on, and what they were not told, is in
// what the page shows, and not more of it than a page takes.
func TestAddJava(t *testing.T) {
	at := time.Unix(1e9, 0)
	st := cache.Status{Host: "h", Service: "s", Endpoints: []cache.EndpointStatus{
		{Endpoint: "A", JavaLosses: []cache.JavaLoss{{Kind: cache.LossUntold, To: "jcs-3", Region: "User", Class: "C", Why: "why", Count: 3, Key: "k", Last: at}}},
		{Endpoint: "B", JavaLosses: make([]cache.JavaLoss, 200), Observed: &cache.Observed{Latest: []cache.Dispute{{Region: "User", KeyName: cache.KeyName{Key: "k"}, Gap: 5 * time.Millisecond,
			Said: []cache.Said{{Node: "n1", Value: "abc", At: at}, {Node: "n2", At: at.Add(-time.Second)}}}}}}}}
	var v View
	v.AddJava(&st)
	if want := (LossView{"h/s A", "untold", "lateral → jcs-3", "User", "C", "why", 3, "k", at}); v.Losses[0] != want || len(v.Losses) != 1+maxJavaRows {
		t.Errorf("%d losses, the first is %+v", len(v.Losses), v.Losses[0])
	}
	if want := []DisputeView{{"h/s B", "User", "k", []string{"n1: abc", "n2: removed"}, 5, at}}; !reflect.DeepEqual(v.Disputes, want) {
		t.Errorf("%+v", v.Disputes)
	}
}

// TestReadings: a value of Java's is its stream, unless JSON or text is asked
// for; what has no text is refused as one.
func TestReadings(t *testing.T) {
	n := newNode()
	f := n.front()
	f.Read = func(v cache.Value) Reading {
		kind, text, ok := strings.Cut(v.Bytes, "=")
		return Reading{kind, text, ok}
	}
	for key, v := range map[string]cache.Value{"int": {Bytes: "int=42", Form: cache.FormJava}, "list": {Bytes: `list=["ü"]`, Form: cache.FormJava}, "person": {Bytes: "com.acme.Person", Form: cache.FormJava},
		"half": {Bytes: "string=\xed\xa0\x80", Form: cache.FormJava}, "text": {Bytes: "a=b"}, "raw": {Bytes: "\xff"}, "bytes": {Bytes: "a=b", Form: cache.FormByteArray}, "hash": {Bytes: "h=h", Form: cache.FormHash}} {
		n.held[key] = cache.Element{Key: key, Value: v, Attr: &own}
	}
	const octets, text, refused = "application/octet-stream", "text/plain; charset=utf-8", "application/json"
	for _, x := range []struct{ key, accept, kind, body, typ string }{
		{"int", "", octets, "int=42", ""},
		{"int", "*/*", octets, "int=42", ""},
		{"int", "application/octet-stream, text/plain", octets, "int=42", ""},
		{"int", "text/plain", text, "42", "int"},
		{"int", "Text/Plain;q=0.9, */*", text, "42", "int"},
		{"list", "text/plain", text, `["ü"]`, "list"},
		{"text", "text/plain", text, "a=b", ""},
		{"bytes", "text/plain", text, "a=b", ""},
		{"person", "text/plain", refused, "a Java com.acme.Person", ""},
		{"half", "text/plain", refused, "no UTF-8", ""},
		{"raw", "text/plain", refused, "no UTF-8", ""},
		{"hash", "text/plain", refused, "a hash of fields", ""},
		{"person", "", octets, "com.acme.Person", ""},
		{"raw", "", octets, "\xff", ""},
	} {
		w := readAs(t, f, x.key, x.accept)
		var e Element
		json.Unmarshal([]byte(w.Header().Get(metaHeader)), &e)
		if got := w.Header().Get("Content-Type"); got != x.kind || e.Type != x.typ || x.kind != refused && w.Body.String() != x.body {
			t.Errorf("%s as %q: %s %q, type %q", x.key, x.accept, got, w.Body, e.Type)
		}
		if x.kind == refused && (w.Code != http.StatusNotAcceptable || !strings.Contains(w.Body.String(), x.body) || !strings.Contains(w.Body.String(), "no_text")) {
			t.Errorf("%s as %q: %d %s", x.key, x.accept, w.Code, w.Body)
		}
	}
	for key, want := range map[string][2]string{"int": {"int", "42"}, "list": {"list", `["ü"]`}, "person": {"com.acme.Person", ""}, "half": {"string", ""}, "text": {}, "hash": {}} {
		var e Element
		w := readAs(t, f, key, "application/json, text/plain, */*")
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if v, err := e.Content(); err != nil || v != n.held[key].Value || e.Type != want[0] || e.Text != want[1] {
			t.Errorf("%s as JSON: %+v", key, e)
		}
	}
	f.Read = nil
	if w := readAs(t, f, "int", "text/plain"); w.Code != http.StatusNotAcceptable {
		t.Errorf("by a front that reads none: %d %s", w.Code, w.Body)
	}
	if w := readAs(t, f, "int", "application/json"); strings.Contains(w.Body.String(), `"type"`) {
		t.Errorf("by a front that reads none: %s", w.Body)
	}
}

func readAs(t *testing.T, f *Front, key, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/v1/regions/User/elements/"+key, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	return w
}
