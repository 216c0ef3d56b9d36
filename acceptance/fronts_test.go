// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// A door is what a service serves beyond loopback, and the files for that.
type door struct {
	s          *site
	http, resp string // addresses
	proc       *lab.Proc
}

const httpWord, respWord, readsWord = "token-of-the-test", "password-of-the-test", "who-may-look"

// openDoor starts a service with both fronts, under TLS.
func (s *site) openDoor(h *lab.Host) *door {
	s.t.Helper()
	dir := filepath.Join(h.Dir, "words")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	ca := newAuthority(s.t)
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		s.t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
		return path
	}
	cert := file("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
	key := file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	d := &door{s: s, http: h.Addr.String() + ":8443", resp: h.Addr.String() + ":6379"}
	d.proc = s.run(h, "groupware", "--http", d.http, "--http-token-file", file("http", httpWord), "--http-cert", cert, "--http-key", key,
		"--http-read-token-file", file("http-read", readsWord), "--resp-read-password-file", file("resp-read", readsWord),
		"--resp", d.resp, "--resp-map", "0=SessionCache", "--resp-password-file", file("resp", respWord), "--resp-cert", cert, "--resp-key", key)
	d.proc.WaitLine("msg=started", 10*time.Second)
	return d
}

// dial connects from a host; secured is with TLS.
func (d *door) dial(from *lab.Host, to string, secured bool) (c net.Conn) {
	d.s.t.Helper()
	var err error
	if from.Do(func() { c, err = net.Dial("tcp", to) }); err != nil {
		d.s.t.Fatal(err)
	}
	d.s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if secured {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	return c
}

// says writes to a new connection and returns the first line of the answer.
func (d *door) says(from *lab.Host, to, text string) string {
	d.s.t.Helper()
	c := d.dial(from, to, true)
	defer c.Close()
	go io.WriteString(c, text) // it need not be read to its end
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

func request(method, path, token string, more ...string) string {
	head := method + " " + path + " HTTP/1.1\r\nHost: oxgw01\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return head + strings.Join(more, "") + "\r\n"
}

// holds returns the open files and the memory of the service.
func (d *door) holds() (files, megabytes int) {
	d.s.t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.proc.PID))
	if err != nil {
		d.s.t.Fatal(err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.proc.PID))
	if err != nil {
		d.s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kb, _ := strconv.Atoi(strings.Fields(rest)[0])
	return len(list), kb / 1024
}

// drip sends a byte at a time, and reports that the other side has had enough.
func drip(c net.Conn, head string) <-chan error {
	done := make(chan error, 1)
	go func() {
		io.WriteString(c, head)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-tick.C {
			if _, err := io.WriteString(c, "x"); err != nil {
				done <- nil
				return
			}
		}
		done <- errors.New("a byte at a time goes on")
	}()
	return done
}

// TestFloodedFronts: silent connections, drips, what is too large and guesses,
// on both fronts, take bounded files and memory, and clients go on.
func TestFloodedFronts(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Hosts: 3})
	d := s.openDoor(s.Hosts[0])
	friend, evil := s.Hosts[1], s.Hosts[2]
	in := d.dial(friend, d.resp, true)
	lines := bufio.NewReader(in)
	ask := func(text, want string) {
		t.Helper()
		io.WriteString(in, text+"\r\n")
		if got, err := lines.ReadString('\n'); err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%s: %q, %v, want %s", text, got, err, want)
		}
	}
	ask("AUTH "+respWord, "+OK")
	goOn := func(what string) {
		t.Helper()
		ask("SET k "+what, "+OK")
		if got := d.says(friend, d.resp, "AUTH "+respWord+"\r\n"); got != "+OK" {
			t.Errorf("%s: a new RESP client: %s", what, got)
		}
		if got := d.says(friend, d.http, request("GET", "/v1/status", httpWord)); got != "HTTP/1.1 200 OK" {
			t.Errorf("%s: a new HTTP client: %s", what, got)
		}
	}
	goOn("before")
	for _, x := range []struct{ to, text, want string }{ // who may look changes nothing
		{d.http, request("GET", "/v1/status", readsWord), "HTTP/1.1 200 OK"},
		{d.http, request("DELETE", "/v1/regions/SessionCache/elements", readsWord), "HTTP/1.1 403 Forbidden"},
		{d.http, request("GET", "/v1/regions/MadeByNaming/elements/k", readsWord), "HTTP/1.1 404 Not Found"},
		{d.resp, "AUTH reader " + readsWord + "\r\nFLUSHALL\r\n", "+OK"},
	} {
		if got := d.says(friend, x.to, x.text); got != x.want {
			t.Errorf("%.40q: %s, want %s", x.text, got, x.want)
		}
	}
	ask("EXISTS k", ":1")
	files, megabytes := d.holds()
	part := "*3\r\n$4\r\nAUTH\r\n$15000\r\n" + strings.Repeat("x", 14_000) // and no more
	for i := range 1500 {
		d.dial(evil, d.http, false)
		c := d.dial(evil, d.resp, i%50 == 0)
		if i%50 == 0 {
			io.WriteString(c, part)
		}
	}
	drips := []<-chan error{drip(d.dial(evil, d.http, true), "GET / HTTP/1.1\r\nX: "), drip(d.dial(evil, d.resp, true), "*2\r\n$4\r\nAUTH\r\n$9000\r\n"),
		drip(d.dial(evil, d.http, false), "\x16\x03\x01\x01\x00"), drip(d.dial(evil, d.resp, false), "\x16\x03\x01\x01\x00")}
	goOn("during")
	f, m := d.holds()
	if f > files+64+512+100 || m > megabytes+150 {
		t.Errorf("%d files and %d MB, before %d and %d", f, m, files, megabytes)
	}
	t.Logf("before: %d files, %d MB; with 3000 connections of one address: %d files, %d MB", files, megabytes, f, m)
	d.tooLarge(evil)
	for i, c := range drips {
		if err := <-c; err != nil {
			t.Errorf("drip %d: %v", i, err)
		}
	}
	d.guesses(evil)
	goOn("after")
}

// tooLarge sends what declares or is more than it may.
func (d *door) tooLarge(evil *lab.Host) {
	t := d.s.t
	t.Helper()
	const huge = "Content-Length: 1099511627776\r\n"
	for _, x := range []struct{ name, to, text, want string }{
		{"headers", d.http, request("GET", "/v1/status", httpWord, "X: "+strings.Repeat("x", 300<<10)+"\r\n"), "HTTP/1.1 431 Request Header Fields Too Large"},
		{"a path", d.http, request("GET", "/"+strings.Repeat("x", 300<<10), httpWord), "HTTP/1.1 431 Request Header Fields Too Large"},
		{"a body of who may not", d.http, request("PUT", "/v1/regions/SessionCache/elements/k", "", huge), "HTTP/1.1 401 Unauthorized"},
		{"a body", d.http, request("PUT", "/v1/regions/SessionCache/elements/k", httpWord, huge), "HTTP/1.1 413 Request Entity Too Large"},
		{"a length of who may not", d.resp, "*1\r\n$67108864\r\n", "-ERR Protocol error: unauthenticated bulk length"},
		{"many arguments of who may not", d.resp, "*1000000\r\n", "-ERR Protocol error: unauthenticated multibulk length"},
		{"a long line of who may not", d.resp, strings.Repeat("x", 100<<10), "-ERR Protocol error: too big inline request"},
	} {
		if got := d.says(evil, x.to, x.text); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
	c := d.dial(evil, d.resp, true)
	io.WriteString(c, "AUTH "+respWord+"\r\n*1\r\n$67108865\r\n")
	if got, err := io.ReadAll(c); string(got) != "+OK\r\n-ERR Protocol error: invalid bulk length\r\n" {
		t.Errorf("a length of who may: %q, %v", got, err)
	}
}

// guesses tries words until not even the right one is looked at.
func (d *door) guesses(evil *lab.Host) {
	t := d.s.t
	t.Helper()
	for _, f := range []struct {
		to, wrong, right, told, no string
	}{
		{d.http, request("GET", "/v1/status", "wrong"), request("GET", "/v1/status", httpWord), fmt.Sprintf("HTTP/1.1 %d %s", http.StatusTooManyRequests, http.StatusText(http.StatusTooManyRequests)), "HTTP/1.1 401 Unauthorized"},
		{d.resp, "AUTH wrong\r\n", "AUTH " + respWord + "\r\n", "-WRONGPASS too many wrong passwords from this address; the right one is looked at again in a minute", "-WRONGPASS invalid username-password pair or user is disabled."},
	} {
		for range 10 {
			if got := d.says(evil, f.to, f.wrong); got != f.no {
				t.Errorf("a wrong word: %s", got)
			}
		}
		if got := d.says(evil, f.to, f.right); got != f.told {
			t.Errorf("the right word after ten wrong ones: %s", got)
		}
	}
}
