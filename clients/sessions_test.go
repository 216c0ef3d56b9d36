// SPDX-License-Identifier: Apache-2.0

//go:build linux

package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lateral/internal/lab"
)

const webPort = "8080"

// webs are the applications of docs/sessions.md, one per language: each serves
// /login?user=, /count and /logout. build runs once a test and returns the command of one host.
var webs = []struct {
	name  string
	build func(t *testing.T) func(h *lab.Host) *exec.Cmd
}{
	{"php", phpWeb},
	{"python", pythonWeb},
	{"node", nodeWeb},
	{"java", javaWeb},
	{"go", goWeb},
}

// A session that began on one host is known on the other, outlives the death
// of the first, web server and Lateral both, ends everywhere at once, and is
// known to the first again when it is back.
func TestSessions(t *testing.T) {
	for _, w := range webs {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			command := w.build(t)
			s := newSite(t)
			procs := map[*lab.Host]*lab.Proc{}
			for _, h := range []*lab.Host{s.a, s.b} {
				procs[h] = s.serve(h, command(h))
			}
			anna, bert := s.newBrowser(), s.newBrowser()
			anna.want(s.a, "/count", http.StatusUnauthorized, "")
			anna.want(s.a, "/login?user=anna", http.StatusOK, "hello anna")
			bert.want(s.b, "/login?user=bert", http.StatusOK, "hello bert")
			anna.want(s.b, "/count", http.StatusOK, "anna 1")
			anna.want(s.a, "/count", http.StatusOK, "anna 2")
			bert.want(s.a, "/count", http.StatusOK, "bert 1")

			s.kill(procs[s.a])
			s.services[s.a].Kill()
			anna.want(s.b, "/count", http.StatusOK, "anna 3")
			anna.want(s.b, "/count", http.StatusOK, "anna 4")
			bert.want(s.b, "/logout", http.StatusOK, "bye")
			bert.want(s.b, "/count", http.StatusUnauthorized, "")

			s.start(s.a)
			s.complete()
			s.serve(s.a, command(s.a))
			anna.want(s.a, "/count", http.StatusOK, "anna 5")
			bert.want(s.a, "/count", http.StatusUnauthorized, "")
			anna.want(s.b, "/logout", http.StatusOK, "bye")
			anna.want(s.a, "/count", http.StatusUnauthorized, "")
		})
	}
}

// serve starts a web server and waits until it answers.
func (s *site) serve(h *lab.Host, cmd *exec.Cmd) *lab.Proc {
	s.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // PHP has workers
	p, err := h.StartCmd(cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	probe := s.newBrowser()
	lab.Eventually(s.t, time.Minute, func() error {
		if err := p.Wait(0); !errors.Is(err, lab.ErrRunning) {
			s.t.Fatalf("%s: %v has ended: %v", h.Name, cmd.Args, err)
		}
		_, _, err := probe.get(h, "/")
		return err
	})
	return p
}

// kill is kill -9 of a web server with its workers.
func (s *site) kill(p *lab.Proc) {
	s.t.Helper()
	if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	if err := p.Wait(20 * time.Second); errors.Is(err, lab.ErrRunning) { // all of them: its output has ended
		s.t.Fatal(err)
	}
}

// A browser is on the third host and keeps its cookies, whichever host it is
// sent to: as behind a load balancer.
type browser struct {
	s   *site
	jar http.CookieJar
}

func (s *site) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, jar}
}

func (b *browser) get(h *lab.Host, path string) (status int, body string, err error) {
	var d net.Dialer
	c := http.Client{Jar: b.jar, Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(_ context.Context, network, _ string) (conn net.Conn, err error) {
			b.s.browser.Do(func() { conn, err = d.Dial(network, listen(h)) })
			return conn, err
		},
	}}
	r, err := c.Get("http://shop.test" + path) // one name for both hosts: the cookies are those of the shop
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

func (b *browser) want(h *lab.Host, path string, status int, body string) {
	b.s.t.Helper()
	got, text, err := b.get(h, path)
	if err != nil || got != status || status == http.StatusOK && text != body {
		b.s.t.Errorf("%s%s: %d %.300q, %v; want %d %q", h.Name, path, got, text, err, status, body)
	}
}

// listen is where the web server of a host listens.
func listen(h *lab.Host) string { return net.JoinHostPort(h.Addr.String(), webPort) }

func phpWeb(t *testing.T) func(h *lab.Host) *exec.Cmd {
	needPHP(t)
	ini, page := snippet(t, "php.ini"), source(t, "php/index.php")
	return func(h *lab.Host) *exec.Cmd {
		write(t, filepath.Join(h.Dir, "php.ini"), ini)
		cmd := exec.Command("php", "-c", "php.ini", "-S", listen(h), page)
		cmd.Env = append(os.Environ(), "PHP_CLI_SERVER_WORKERS=8")
		return cmd
	}
}

func needPHP(t *testing.T) {
	t.Helper()
	const install = "apt-get install php-cli php-redis"
	out, err := exec.Command(tool(t, "php", "php", install), "-m").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\nredis\n") {
		lab.Missing(t, "php", "needs the redis module of PHP: "+install)
	}
}

// python finds an interpreter that has the modules: Debian's, before one of
// the user's that may lack them.
func python(t *testing.T, modules string) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import "+modules).Run() == nil {
			return name
		}
	}
	lab.Missing(t, "python", "needs "+modules+" for python3: apt-get install python3-redis python3-flask-session")
	return ""
}

func pythonWeb(t *testing.T) func(h *lab.Host) *exec.Cmd {
	py, app, page := python(t, "redis, flask, flask_session"), source(t, "python/app.py"), snippet(t, "sessions.py")
	return func(h *lab.Host) *exec.Cmd {
		write(t, filepath.Join(h.Dir, "sessions.py"), page)
		cmd := exec.Command(py, app, h.Addr.String(), webPort)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+h.Dir, "PYTHONDONTWRITEBYTECODE=1")
		return cmd
	}
}

func nodeWeb(t *testing.T) func(h *lab.Host) *exec.Cmd {
	dir := needNode(t)
	write(t, filepath.Join(dir, "sessions.js"), snippet(t, "sessions.js"))
	return func(h *lab.Host) *exec.Cmd {
		cmd := exec.Command("node", filepath.Join(dir, "app.js"), h.Addr.String(), webPort)
		cmd.Env = append(os.Environ(), "SESSION_SECRET=of the test alone")
		return cmd
	}
}

func goWeb(t *testing.T) func(h *lab.Host) *exec.Cmd {
	bin := filepath.Join(needGo(t), "web")
	inSource(t, "sessions.go", "go/web/main.go")
	return func(h *lab.Host) *exec.Cmd { return exec.Command(bin, listen(h)) }
}

// inSource wants a block of docs/sessions.md in a program, but for the spaces
// before its lines.
func inSource(t *testing.T, mark, path string) {
	t.Helper()
	text, err := os.ReadFile(source(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(flat(string(text)), flat(snippet(t, mark))) {
		t.Errorf("clients/%s does not contain the block %s of docs/sessions.md", path, mark)
	}
}

func flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// Requests of one session on one host come one after another, though eight
// workers take them: phpredis locks it, and none of the counts is lost. A host
// that dies in the middle of a request keeps the lock for lock_expire at most.
func TestPHPLocking(t *testing.T) {
	t.Parallel()
	command := phpWeb(t)
	s := newSite(t)
	web := s.serve(s.a, command(s.a))
	s.serve(s.b, command(s.b))
	anna := s.newBrowser()
	anna.want(s.a, "/login?user=anna", http.StatusOK, "hello anna")
	const requests = 6
	answers := make(chan string, requests)
	for range requests {
		go func() {
			status, body, err := anna.get(s.a, "/count?pause=50")
			answers <- fmt.Sprint(status, " ", body, " ", err)
		}()
	}
	seen := map[string]bool{}
	for range requests {
		seen[<-answers] = true
	}
	for i := range requests {
		if want := fmt.Sprintf("200 anna %d <nil>", i+1); !seen[want] {
			t.Errorf("no request counted to %d: %v", i+1, seen)
		}
	}
	anna.want(s.b, "/count", http.StatusOK, fmt.Sprintf("anna %d", requests+1))

	ended := make(chan error, 1)
	go func() {
		_, _, err := anna.get(s.a, "/count?pause=60000")
		ended <- err
	}()
	web.WaitLine(fmt.Sprintf("counting to %d", requests+2), 20*time.Second)
	s.kill(web)
	s.services[s.a].Kill()
	if err := <-ended; err == nil {
		t.Error("the request that was killed was answered")
	}
	began := time.Now()
	anna.want(s.b, "/count", http.StatusOK, fmt.Sprintf("anna %d", requests+2))
	t.Logf("the session went on %v after its host had died in the middle of a request", time.Since(began).Round(time.Millisecond))
}
