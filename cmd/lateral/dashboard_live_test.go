// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/ccf/stock"
	"lateral/secret"
	"lateral/web"
)

// live are processes on addresses of loopback, as those of the demo.
type live struct {
	t       *testing.T
	secured bool
	*site
}

// newLive starts both stock services on each of some hosts, of a network of
// 127.NET.0.0/16 that other runs of this test do not have, and returns when
// their mesh is complete.
func newLive(t *testing.T, network, hosts int, secured bool) *live {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	dir, err := os.MkdirTemp("", "ld")
	if err != nil {
		t.Fatal(err)
	}
	l := &live{t, secured, &site{dir: dir, cluster: fmt.Sprintf("dash-%d-%d", os.Getpid(), network)}}
	runtime.LockOSThread() // childAttr ends children with their thread
	t.Cleanup(func() {
		l.close()
		runtime.UnlockOSThread()
	})
	key := filepath.Join(dir, "cluster.secret")
	if secured {
		if _, err := secret.Create(key, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range hosts {
		h := &demoHost{name: fmt.Sprintf("oxgw%02d", i+1), addr: fmt.Sprintf("127.%d.%d.%d", network, os.Getpid()%256, i+1)}
		h.dir = filepath.Join(dir, h.name)
		h.runtime = h.dir
		for _, service := range stock.Services {
			if err := l.write(h, service); err != nil {
				t.Fatal(err)
			}
			if secured {
				protect(t, filepath.Join(h.dir, service), key)
			}
			l.procs = append(l.procs, &proc{host: h, service: service})
		}
		l.hosts = append(l.hosts, h)
	}
	for _, p := range l.procs {
		l.start(p)
	}
	if _, ok := until(t.Context(), formTime, 10*time.Millisecond, func() bool { return l.look(t.Context()).Complete }); !ok {
		for _, p := range l.procs {
			t.Logf("%s: %s", p.name(), p.tail())
		}
		t.Fatal(l.look(t.Context()).summary())
	}
	return l
}

// protect gives all endpoints of a service a secret.
func protect(t *testing.T, dir, key string) {
	for _, f := range ccfIn(dir) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := listenerHost.ReplaceAllString(string(b), "${0}\n${1}ClusterSecretFile="+key)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// start is proc.start with the program that this test also is.
func (l *live) start(p *proc) {
	l.t.Helper()
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("lateral", "run", "--service", p.service, "--host", p.host.name, "--config", filepath.Join(p.host.dir, p.service), "--runtime-dir", p.host.runtime)
	cmd.Args = append(cmd.Args, l.httpFlags(p)...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, childAttr()
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	p.cmd, p.ended = cmd, make(chan struct{})
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
}

// put has a service hold something.
func (l *live) put(p *proc, region, key string, v cache.Value) {
	l.t.Helper()
	if _, err := p.do(l.t.Context(), cache.Command{Op: cache.Put, Region: region, Key: key, Value: v}); err != nil {
		l.t.Fatal(err)
	}
}

// A door is a TCP address of loopback for a service's socket. It can be shut
// and opened again, at the same address.
type door struct {
	t    *testing.T
	h    http.Handler
	addr string
	s    *http.Server
}

func newDoor(t *testing.T, h http.Handler) *door {
	t.Helper()
	d := &door{t: t, h: h, addr: "127.0.0.1:0"}
	d.open()
	t.Cleanup(d.shut)
	return d
}

func (d *door) open() {
	d.t.Helper()
	var ln net.Listener
	// The port may still be held by a connection that is ending.
	if _, ok := until(d.t.Context(), reachTime, 10*time.Millisecond, func() (ok bool) {
		var err error
		ln, err = net.Listen("tcp", d.addr)
		return err == nil
	}); !ok {
		d.t.Fatalf("%s cannot be had", d.addr)
	}
	d.addr = ln.Addr().String()
	d.s = &http.Server{Handler: d.h, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(io.Discard, nil), slog.LevelDebug)}
	go d.s.Serve(ln)
}

func (d *door) shut() { d.s.Close() }

func (d *door) url() string { return "http://" + d.addr + "/" }

// kill is kill -9 of a service by name.
func (l *live) kill(name string) {
	l.t.Helper()
	for _, p := range l.procs {
		if p.name() == name {
			p.cmd.Process.Signal(syscall.SIGKILL)
			<-p.ended
			return
		}
	}
	l.t.Fatal("there is no " + name)
}

// showcase is the dashboard of the first service as the demo shows it.
func (l *live) showcase() *door {
	return newDoor(l.t, web.Showcase(l.procs[0].socket(), slog.New(slog.NewTextHandler(io.Discard, nil))))
}

// The demo prints where its dashboard is, which answers and only shows.
func TestDemoDashboard(t *testing.T) {
	l := newLive(t, 79, 1, true)
	d := l.showcase()
	for path, want := range map[string]int{"/": 200, "/dashboard/": 200, "/dashboard/keys?region=User": 200, "/v1/status": 403, "/dashboard/act": 403} {
		method := http.MethodGet
		if strings.HasSuffix(path, "act") {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+d.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s %s: %s, want %d", method, path, res.Status, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
