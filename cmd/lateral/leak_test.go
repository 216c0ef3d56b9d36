// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lateral/secret"
	"lateral/web"
)

// TestNoWordTold: a running service with a cluster secret, tokens and passwords
// shows none of them: not in its log, status, metrics, dashboard or
// configuration, nor to who lists processes.
func TestNoWordTold(t *testing.T) {
	dir, err := os.MkdirTemp("", "ll")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	k := secret.New()
	words := map[string]string{"cluster.secret": k.Text(), "http": "token-that-opens", "http-read": "token-that-reads", "resp": "password-that-opens", "resp-read": "password-that-reads"}
	for name, word := range words {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(word+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := "jcs.auxiliary.L.attributes"
	ccf := "jcs.default=L\njcs.region.R=L\njcs.auxiliary.L=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
		p + "=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\n" + p + ".UdpDiscoveryEnabled=false\n" + p + ".TcpListenerHost=127.79.1.1\n" +
		p + ".TcpListenerPort=57462\n" + p + ".ClusterSecretFile=cluster.secret\n"
	if err := os.WriteFile(filepath.Join(dir, "cache.ccf"), []byte(ccf), 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	trust, key := certify(t, file("cert.pem"), file("key.pem"))
	words["resp-key"] = key
	exe, err := exec.LookPath("lateral") // testscript's
	if err != nil {
		if exe, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	const httpAddr, respAddr = "127.79.1.1:57482", "127.79.1.1:57483"
	var log bytes.Buffer
	cmd := exec.Command(exe, "run", "--service", "c", "--config", file("cache.ccf"), "--runtime-dir", file("run"), "--log-level", "debug",
		"--http", httpAddr, "--http-token-file", file("http"), "--http-read-token-file", file("http-read"),
		"--resp", respAddr, "--resp-map", "0=R", "--resp-password-file", file("resp"), "--resp-read-password-file", file("resp-read"),
		"--resp-cert", file("cert.pem"), "--resp-key", file("key.pem"))
	cmd.Args[0] = "lateral"
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer cmd.Process.Kill()
	c := web.NewClient("c", file("run/c.sock"))
	defer c.Close()
	seen := map[string]string{}
	ask := func(path, token string) string {
		r, _ := http.NewRequest("GET", "http://"+httpAddr+path, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		r.Close = true
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, " ", string(b))
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !strings.HasPrefix(ask("/readyz", words["http-read"]), "200"); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not ready: %s", ask("/readyz", words["http-read"]))
		}
	}
	// Words right and wrong are sent, so that a log would have them.
	for user, word := range map[string]string{"default": words["resp"], "reader": words["resp-read"]} {
		cl := redis.NewClient(&redis.Options{Addr: respAddr, Username: user, Password: word, TLSConfig: trust})
		if err := cl.Get(t.Context(), "k").Err(); err != redis.Nil {
			t.Errorf("%s: %v", user, err)
		}
		seen["INFO "+user] = cl.Info(t.Context()).String() + cl.ClientList(t.Context()).String() + cl.ConfigGet(t.Context(), "*").String()
		cl.Close()
	}
	plain := redis.NewClient(&redis.Options{Addr: respAddr, Password: words["resp"], MaxRetries: -1})
	if err := plain.Ping(t.Context()).Err(); err == nil {
		t.Error("RESP answers without TLS, too")
	}
	plain.Close()
	for _, path := range []string{"/metrics", "/v1/status", "/v1/regions", "/readyz", "/dashboard/", "/v1/nothing"} {
		seen[path] = ask(path, words["http"])
		seen[path+" wrong"] = ask(path, words["http-read"]+"x")
	}
	st, err := c.Status(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cmdline", "environ", "comm", "status"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", st.PID, name))
		if err != nil {
			t.Fatal(err)
		}
		seen["/proc/PID/"+name] = string(b)
	}
	if limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", st.PID)); err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
		t.Errorf("a core file would be written: %v\n%s", err, limits)
	}
	for _, args := range [][]string{{"config", "show", file("cache.ccf")}, {"config", "check", file("cache.ccf")}, {"mesh", "--json", "--runtime-dir", file("run")},
		{"stats", "--json", "--runtime-dir", file("run")}, {"doctor", "--runtime-dir", file("run"), file("cache.ccf")}} {
		cl := exec.Command(exe, args...)
		cl.Args[0] = "lateral"
		b, _ := cl.CombinedOutput() // some of them say with their status that the mesh is not complete
		seen["lateral "+args[0]+" "+args[1]] = string(b)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	seen["log"] = log.String()
	for where, text := range seen {
		if text == "" {
			t.Errorf("%s is empty", where)
		}
		for name, word := range words {
			if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
				t.Errorf("%s tells the word of %s", where, name)
			}
		}
	}
	if !strings.Contains(seen["log"], "serving HTTP") || !strings.HasPrefix(seen["/metrics"], "200") || !strings.Contains(seen["lateral config show"], "cluster.secret") {
		t.Errorf("what was looked at is not what it should be: %.300s", seen)
	}
}

// certify writes a certificate for example.com and its key. It returns what
// trusts it and a line of the key.
func certify(t *testing.T, certFile, keyFile string) (trust *tls.Config, line string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	c := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	for name, b := range map[string][]byte{certFile: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), keyFile: text} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool, ServerName: "example.com"}, strings.Split(string(text), "\n")[1]
}
