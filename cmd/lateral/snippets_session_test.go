// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestSessions runs the blocks of a page that are marked session, in order and
// in one shell, as a reader types them: as root, on a machine whose network,
// processes, name, /run and /opt are its own. What the page takes for granted,
// such as files of another product, the mark makes before: lines behind the
// word session. $LATERAL_SOURCE is the top of the module.
func TestSessions(t *testing.T) {
	for _, page := range pages() {
		list, _ := blocks(page)
		var session []block
		for _, b := range list {
			if b.mark == "session" {
				session = append(session, b)
			}
		}
		if len(session) > 0 {
			t.Run(page, func(t *testing.T) {
				t.Parallel()
				runSession(t, session)
			})
		}
	}
}

func runSession(t *testing.T, session []block) {
	if os.Getuid() != 0 {
		lab.Missing(t, "lab", "needs root")
	}
	for _, tool := range []string{"unshare", "ip", "mount", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Missing(t, "lab", "needs "+tool)
		}
	}
	for _, b := range session {
		if _, err := exec.LookPath("redis-cli"); err != nil && strings.Contains(b.text, "redis-cli ") {
			lab.Missing(t, "redis", "needs redis-cli")
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	// By its name this test is the program, see TestMain.
	if err := os.Symlink(self, filepath.Join(bin, "lateral")); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("exec 2>&1\nfor dir in /run /opt; do mount -t tmpfs tmpfs $dir || exit 9; done\n")
	var steps []block // a command each
	for _, b := range session {
		if b.says != "" {
			script.WriteString("set -e\n" + b.says + "\nset +e\n")
		}
		if b.lang == "sh" {
			steps = append(steps, b)
			// Its commands are what a reader pastes: any that fails is a fault.
			script.WriteString("printf '\\001'\nset -e\n" + b.text + "set +e\n")
			continue
		}
		for i, part := range regexp.MustCompile(`(?m)^\$ `).Split(b.text, -1)[1:] {
			command, _, _ := strings.Cut(part, "\n")
			steps = append(steps, block{page: b.page, line: b.line + i, lang: b.lang, text: "$ " + part})
			script.WriteString("printf '\\001'\n" + command + "\n")
		}
	}
	script.WriteString("exit 0\n")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--pid", "--mount-proc", "--uts", "--fork", "--kill-child", "--propagation", "private", "bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "PATH="+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0", "LC_ALL=C.UTF-8",
		"LATERAL_RUNTIME_DIR=", "XDG_RUNTIME_DIR=", "LATERAL_SOURCE="+root)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if exit := cmd.ProcessState; exit != nil && (exit.ExitCode() == 9 || strings.HasPrefix(string(out), "unshare:")) {
		lab.Missing(t, "lab", fmt.Sprintf("needs namespaces, which cannot be made here: %s", out))
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	got := strings.Split(string(out), prompt)[1:]
	for i, b := range steps {
		if i >= len(got) {
			t.Fatalf("%v: the session ended before\n%s", b, out)
		}
		if b.lang != "console" {
			continue
		}
		if err := b.compare(prompt + got[i]); err != nil {
			t.Errorf("%v: %v", b, err)
		}
	}
}
