// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/secret"
)

func doorOf(t *testing.T, all, reads string) *secret.Door {
	t.Helper()
	var files [2]string
	for i, word := range []string{all, reads} {
		files[i] = filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(files[i], []byte(word), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := secret.OpenDoor(files[0], files[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestEntered: which request with which token does what.
func TestEntered(t *testing.T) {
	n := newNode()
	f := n.front()
	f.Dashboard = &Dashboard{Look: func(context.Context) View { return View{} }, Writes: func(*http.Request) bool { return true }}
	h := f.entered(doorOf(t, "all", "reads"))
	for _, x := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/v1/status", "", 401},
		{"GET", "/metrics", "", 401},
		{"GET", "/readyz", "", 401},
		{"GET", "/nothing", "", 401},
		{"GET", "/dashboard/keys?region=User", "", 401},
		{"GET", "/dashboard/events", "", 401},
		{"POST", "/dashboard/", "", 401},
		{"PUT", "/v1/regions/User/elements/k", "", 401},
		{"GET", "/healthz", "", 200},
		{"GET", "/", "", 303},
		{"GET", "/dashboard/", "", 200},
		{"GET", "/dashboard/ask.js", "", 200},
		{"GET", "/v1/status", "Bearer all", 200},
		{"GET", "/v1/status", "Bearer reads", 200},
		{"HEAD", "/v1/status", "Bearer reads", 200},
		{"GET", "/v1/regions/User/keys", "Bearer reads", 200},
		{"GET", "/v1/regions/New/keys", "Bearer reads", 404}, // to name it would make it
		{"GET", "/v1/regions/New/elements/k", "Bearer reads", 404},
		{"GET", "/v1/regions/New/keys", "Bearer all", 200},
		{"GET", "/v1/status", "Bearer wrong", 401},
		{"GET", "/v1/status", "Bearer", 401},
		{"GET", "/v1/status", "all", 401},
		{"GET", "/v1/status", "Basic all", 401},
		{"PUT", "/v1/regions/User/elements/k", "Bearer all", 200},
		{"PUT", "/v1/regions/User/elements/k", "Bearer reads", 403},
		{"DELETE", "/v1/regions/User/elements", "Bearer reads", 403},
		{"POST", "/v1/regions/User/take/k", "Bearer reads", 403},
		{"POST", "/v1/verify", "Bearer reads", 403},
		{"POST", "/dashboard/act", "Bearer reads", 403},
		{"GET", "/debug/pprof/", "Bearer all", 400}, // is for the socket
	} {
		r := httptest.NewRequest(x.method, x.path, nil)
		r.Host = "oxgw01.example.com"
		if x.token != "" {
			r.Header.Set("Authorization", x.token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != x.want {
			t.Errorf("%s %s with %q: %d, want %d: %s", x.method, x.path, x.token, w.Code, x.want, w.Body)
		}
		if refused := x.want == 401; refused && (w.Header().Get("WWW-Authenticate") != "Bearer" || w.Header().Get("Connection") != "close" || !strings.Contains(w.Body.String(), `"do":`)) {
			t.Errorf("%s %s is refused with %v %s", x.method, x.path, w.Header(), w.Body)
		}
	}
	cross := httptest.NewRequest("PUT", "/v1/regions/User/elements/k", nil)
	cross.Header.Set("Authorization", "Bearer all")
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, cross); w.Code != 403 {
		t.Errorf("a page of another site: %d", w.Code)
	}
	guess := httptest.NewRequest("GET", "/v1/status", nil)
	guess.RemoteAddr = "10.0.0.9:1"
	guess.Header.Set("Authorization", "Bearer wrong")
	for w = httptest.NewRecorder(); w.Code != 429; w = httptest.NewRecorder() {
		if h.ServeHTTP(w, guess); w.Code != 401 && w.Code != 429 {
			t.Fatal(w.Code)
		}
		if w.Code == 429 {
			break
		}
	}
	guess.Header.Set("Authorization", "Bearer all")
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, guess); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the right token after too many wrong ones: %d", w.Code)
	}
}

// TestReaderIsToldSo: with the token for reading the dashboard shows no actions.
func TestReaderIsToldSo(t *testing.T) {
	f := newNode().front()
	f.Dashboard = &Dashboard{Writes: func(*http.Request) bool { return true }}
	b := &board{f.Dashboard, f}
	for token, want := range map[string]bool{"all": true, "reads": false} {
		var got bool
		h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = b.writes(r) }))
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		judged(doorOf(t, "all", "reads"), h).ServeHTTP(httptest.NewRecorder(), r)
		if got != want {
			t.Errorf("with %q: writes %v", token, got)
		}
	}
}

// TestLoopbackAlone: without a door only names of this machine are answered,
// as a browser may be told that another name is this machine.
func TestLoopbackAlone(t *testing.T) {
	h := newNode().front().entered(nil)
	for host, want := range map[string]int{"127.0.0.1:8080": 200, "localhost:8080": 200, "[::1]:8080": 200, "evil.example.com": 421, "10.0.0.7": 421} {
		r := httptest.NewRequest("GET", "/v1/status", nil)
		r.Host = host
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
}

// TestServeTCP: TLS, and who holds many connections crowds out itself alone.
func TestServeTCP(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile, pool := selfSigned(t)
	cert, err := secret.OpenCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- newNode().front().ServeTCP(ctx, raw, Entrance{doorOf(t, "all", "reads"), cert.Config("http/1.1")}, nil)
	}()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	c := &http.Client{Transport: tr}
	url := raw.Addr().String()
	ask := func() (int, error) {
		r, _ := http.NewRequest("GET", "https://"+url+"/v1/status", nil)
		r.Header.Set("Authorization", "Bearer reads")
		res, err := c.Do(r)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
		return res.StatusCode, nil
	}
	if code, err := ask(); code != 200 {
		t.Error(code, err)
	}
	if res, err := http.Get("http://" + url + "/healthz"); err == nil {
		if res.Body.Close(); res.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP where TLS is: %d", res.StatusCode)
		}
	}
	tr.CloseIdleConnections()
	if _, err := tls.Dial("tcp", url, &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestLimit: whoever was let in keeps a place; of the others the oldest goes,
// and one address takes none of another's.
func TestLimit(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	ln := limit(raw, 3, 2)
	dial := func() (out net.Conn, in *counted) {
		out, err := net.Dial("tcp", raw.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { out.Close() })
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return out, c.(*counted)
	}
	other := &counted{Conn: absent{}, of: ln, host: "10.0.0.1"}
	if !ln.take(other) {
		t.Fatal("no place for the first")
	}
	_, a := dial()
	out, b := dial()
	letIn((&http.Request{}).WithContext(withConn(t.Context(), a)))
	_, c := dial() // b makes room, the stranger
	out.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := out.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("a third connection of one address: %v", err)
	}
	if want := []*counted{other, a, c}; !slices.Equal(ln.conns, want) {
		t.Errorf("there are %v, want %v", ln.conns, want)
	}
	letIn((&http.Request{}).WithContext(withConn(t.Context(), c)))
	if next := (&counted{Conn: absent{}, of: ln, host: a.host}); ln.take(next) {
		t.Error("who is in makes room")
	}
	third := &counted{Conn: absent{}, of: ln, host: "10.0.0.2"}
	if !ln.take(third) || slices.Contains(ln.conns, other) {
		t.Error("an older stranger holds up a newer one")
	}
	for _, x := range []*counted{a, b, c, third, third} {
		x.Close()
	}
	if len(ln.conns) != 0 {
		t.Errorf("%d places are not given back", len(ln.conns))
	}
}

// absent is a connection that there is not.
type absent struct{ net.Conn }

func (absent) Close() error { return nil }

// selfSigned makes the files of a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	os.WriteFile(cert, text, 0o600)
	os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}), 0o600)
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return cert, key, pool
}
