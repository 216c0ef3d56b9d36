// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDashboardSignIn: by TCP the page asks for a token, again if it is wrong;
// with the one for reading it shows no actions, with the other it does.
func TestDashboardSignIn(t *testing.T) {
	b := chromium(t)
	dir, err := os.MkdirTemp("", "ls")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{"all": "token-that-opens", "reads": "token-that-reads", "cache.ccf": "jcs.default=\njcs.region.R=\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := exec.LookPath("lateral") // testscript's
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "run", "--service", "c", "--config", filepath.Join(dir, "cache.ccf"), "--runtime-dir", filepath.Join(dir, "run"),
		"--http", "127.0.0.1:0", "--http-token-file", filepath.Join(dir, "all"), "--http-read-token-file", filepath.Join(dir, "reads"))
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	url := ""
	for lines := bufio.NewScanner(log); url == "" && lines.Scan(); {
		if m := servedAt.FindStringSubmatch(lines.Text()); m != nil {
			url = "http://" + m[1] + "/"
		}
	}
	go io.Copy(io.Discard, log) // ends with the service
	p := b.tab()
	sign := func(token string) {
		t.Helper()
		p.wait(`document.querySelector("#token").open`)
		p.run(`document.querySelector("#token input").value = "` + token + `"; document.querySelector("#token button").click()`)
	}
	looked := judged + `.length > 0 && document.querySelectorAll("#hosts tbody tr").length === 1`
	p.open(url, 1280, 900, false, false)
	sign("wrong")
	sign("token-that-reads")
	p.wait(looked)
	p.wait(`document.querySelector("#keys-actions").hidden`)
	p.run(`sessionStorage.clear()`)
	p.do("Page.navigate", map[string]any{"url": "about:blank"})
	p.wait(`location.href === "about:blank"`)
	p.open(url, 1280, 900, false, false)
	sign("token-that-opens")
	p.wait(looked)
	p.wait(`!document.querySelector("#keys-actions").hidden`)
	p.do("Page.navigate", map[string]any{"url": "about:blank"})
}
