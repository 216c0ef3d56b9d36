// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/internal/lab"
)

// A browser is a headless Chromium, spoken to over two pipes: no port, no
// library. See https://chromedevtools.github.io/devtools-protocol/.
type browser struct {
	t     *testing.T
	to    io.WriteCloser
	ended chan struct{}

	mu      sync.Mutex
	number  int
	waiting map[int]chan said
	heard   func(session, method string, params json.RawMessage)
}

type said struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// chromium starts one, or skips the test; where LATERAL_REQUIRE names
// chromium, it fails. On a busy machine one in some hundreds answers nothing that it
// is asked as it starts: another is started then.
func chromium(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		lab.Missing(t, "chromium", "needs chromium (Debian package chromium) to look at the dashboard")
	}
	for range 3 {
		b := startChromium(t, path)
		if _, err = b.call("", "Target.createTarget", object{"url": "about:blank"}); err == nil {
			return b
		}
		t.Logf("chromium: %v", err)
	}
	t.Fatal(err)
	return nil
}

func startChromium(t *testing.T, path string) *browser {
	t.Helper()
	home, err := os.MkdirTemp("", "lateral-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pipe(t), pipe(t)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars", "--lang=en",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+home, "--remote-debugging-pipe", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+home, "TZ=UTC")
	cmd.ExtraFiles = []*os.File{ours.r, theirs.w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ours.r.Close()
	theirs.w.Close()
	b := &browser{t: t, to: ours.w, ended: make(chan struct{}), waiting: map[int]chan said{}}
	go b.listen(theirs.r)
	t.Cleanup(func() {
		late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		b.call("", "Browser.close", nil)
		ours.w.Close()
		<-b.ended
		cmd.Wait()
		late.Stop()
		os.RemoveAll(home)
	})
	return b
}

type ends struct{ r, w *os.File }

func pipe(t *testing.T) ends {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return ends{r, w}
}

// listen hands out what the browser says, each ended by a NUL, until it ends.
func (b *browser) listen(r io.ReadCloser) {
	defer close(b.ended)
	defer r.Close()
	for in := bufio.NewReader(r); ; {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID        int
			SessionID string
			Method    string
			Params    json.RawMessage
			said
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		to, heard := b.waiting[m.ID], b.heard
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case to != nil:
			to <- m.said
		case m.Method != "" && heard != nil:
			heard(m.SessionID, m.Method, m.Params)
		}
	}
}

// call asks the browser, or with a session one page of it.
func (b *browser) call(session, method string, params any) (json.RawMessage, error) {
	to := make(chan said, 1)
	b.mu.Lock()
	b.number++
	b.waiting[b.number] = to
	text, err := json.Marshal(struct {
		ID        int    `json:"id"`
		SessionID string `json:"sessionId,omitempty"`
		Method    string `json:"method"`
		Params    any    `json:"params,omitempty"`
	}{b.number, session, method, params})
	if err == nil {
		_, err = b.to.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	select {
	case a := <-to:
		if a.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-b.ended:
		return nil, errors.New(method + ": the browser has ended")
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// A tab is a page, what it asked for, and what it complained of.
type tab struct {
	*browser
	session  string
	requests []string // URLs
	problems []string // of the console
}

type object = map[string]any

// tab opens an empty page.
func (b *browser) tab() *tab {
	b.t.Helper()
	p := &tab{browser: b}
	var made struct{ TargetID, SessionID string }
	b.must("", "Target.createTarget", object{"url": "about:blank"}, &made)
	b.must("", "Target.attachToTarget", object{"targetId": made.TargetID, "flatten": true}, &made)
	p.session = made.SessionID
	b.mu.Lock()
	b.heard = p.note
	b.mu.Unlock()
	for _, room := range []string{"Page", "Runtime", "Log", "Network"} {
		p.do(room+".enable", nil)
	}
	return p
}

func (b *browser) must(session, method string, params, out any) {
	b.t.Helper()
	res, err := b.call(session, method, params)
	if err == nil && out != nil {
		err = json.Unmarshal(res, out)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (p *tab) do(method string, params any) { p.t.Helper(); p.must(p.session, method, params, nil) }

// note keeps requests and complaints.
func (p *tab) note(session, method string, params json.RawMessage) {
	if session != p.session {
		return
	}
	p.browser.mu.Lock()
	defer p.browser.mu.Unlock()
	switch method {
	case "Network.requestWillBeSent":
		var m struct{ Request struct{ URL string } }
		json.Unmarshal(params, &m)
		p.requests = append(p.requests, m.Request.URL)
	case "Runtime.exceptionThrown", "Log.entryAdded":
		p.problems = append(p.problems, string(params))
	case "Runtime.consoleAPICalled":
		if !strings.Contains(string(params), `"type":"log"`) {
			p.problems = append(p.problems, string(params))
		}
	}
}

// noted returns what was kept since the last time.
func (p *tab) noted() (requests, problems []string) {
	p.browser.mu.Lock()
	defer p.browser.mu.Unlock()
	requests, problems, p.requests, p.problems = p.requests, p.problems, nil, nil
	return requests, problems
}

// eval evaluates an expression, which may be a promise, and decodes its value.
func (p *tab) eval(expression string, out any) error {
	res, err := p.call(p.session, "Runtime.evaluate", object{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true})
	if err != nil {
		return err
	}
	var m struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	if err := json.Unmarshal(res, &m); err != nil {
		return err
	}
	if m.ExceptionDetails != nil {
		return fmt.Errorf("%.80s: %.600s", expression, m.ExceptionDetails)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(m.Result.Value, out)
}

// run evaluates what must not fail.
func (p *tab) run(expression string) {
	p.t.Helper()
	if err := p.eval(expression, nil); err != nil {
		p.t.Fatal(err)
	}
}

// wait looks at the page at each of its frames until an expression is true.
func (p *tab) wait(expression string) {
	p.t.Helper()
	var ok bool
	err := p.eval(`new Promise(done => {
		const end = performance.now() + 20000
		const look = () => { const ok = Boolean(`+expression+`); if (ok || performance.now() > end) done(ok); else setTimeout(look, 20) }
		look()
	})`, &ok)
	if err == nil && !ok {
		var text string
		p.eval("document.body.innerText.slice(0, 3000)", &text)
		err = fmt.Errorf("after 20 s this is not so: %s\n%s", expression, text)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// open goes to a URL, on a screen of some size.
func (p *tab) open(url string, width, height int, dark, phone bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.do("Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone})
	p.do("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}})
	p.do("Page.navigate", object{"url": url})
	p.wait(`document.readyState === "complete" && document.querySelector("#verdict")`)
}

// picture returns the screen as PNG.
func (p *tab) picture() []byte {
	p.t.Helper()
	var m struct{ Data string }
	p.must(p.session, "Page.captureScreenshot", object{"format": "png", "optimizeForSpeed": false}, &m)
	b, err := base64.StdEncoding.DecodeString(m.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}
