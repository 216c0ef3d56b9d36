// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lateral/ccf/stock"
	"lateral/web"
)

var update = flag.Bool("update", false, "write what commands print into the scripts' golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lateral": offMain, "hold": holdPort})
}

// TestScripts is the contract of the command line: testdata/*.txtar.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LATERAL_RUNTIME_DIR", filepath.Join(e.WorkDir, "run"))
			e.Setenv("XDG_RUNTIME_DIR", "")
			e.Setenv("NOTIFY_SOCKET", "")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second to end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "stock": stockFiles, "signal": signalTo, "systemd": systemd, "json": jsonHas, "snippet": snippet, "console": console, "answers": answers, "ask": askHTTP, "logged": logged, "logs": logs, "redis": redisServer,
		},
	})
}

// TestScriptsApart: scripts run beside each other, with the ports of the stock
// files, so each has addresses of its own.
func TestScriptsApart(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	of := map[string]string{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, net := range scriptNet.FindAllString(string(text), -1) {
			if other := of[net]; other != "" && other != name {
				t.Errorf("%s and %s both have %s", other, name, net)
			}
			of[net] = name
		}
	}
}

var scriptNet = regexp.MustCompile(`127\.78\.[0-9]+\.`)

// status N COMMAND ARGS… wants that exit status of a command.
func status(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// answers FILE wants what was printed last to be what the comments say.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	var want strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if _, comment, ok := strings.Cut(line, "# "); ok {
			want.WriteString(comment)
		}
	}
	if got := ts.ReadFile("stdout"); got != want.String() {
		ts.Fatalf("answered:\n%swant:\n%s", got, want.String())
	}
}

// stock HOST ADDR writes the stock files of both services as the demo does:
// for an address of loopback and a cluster of this script's own.
func stockFiles(ts *testscript.TestScript, neg bool, args []string) {
	s := &site{cluster: filepath.Base(ts.Getenv("WORK"))}
	for _, service := range stock.Services {
		ts.Check(s.write(&demoHost{name: args[0], addr: args[1], dir: ts.MkAbs(args[0])}, service))
	}
}

// signal NAME SERVICE [RUNTIME-DIR] signals a running service.
func signalTo(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.Getenv("LATERAL_RUNTIME_DIR")
	if len(args) > 2 {
		dir = ts.MkAbs(args[2])
	}
	c := web.NewClient(args[1], filepath.Join(dir, args[1]+".sock"))
	defer c.Close()
	st, err := c.Status(context.Background())
	ts.Check(err)
	sig := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}[args[0]]
	ts.Check(syscall.Kill(st.PID, sig))
}

// told is what services have told a script that plays systemd.
type told struct {
	conn *net.UnixConn
	text strings.Builder
}

var managers sync.Map // path of the socket → *told

// systemd listen | systemd wait TEXT: plays the service manager.
func systemd(ts *testscript.TestScript, neg bool, args []string) {
	key := ts.MkAbs("notify")
	if args[0] == "listen" {
		ts.Setenv("NOTIFY_SOCKET", key)
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: key, Net: "unixgram"})
		ts.Check(err)
		ts.Defer(func() { conn.Close() })
		managers.Store(key, &told{conn: conn})
		return
	}
	m, _ := managers.Load(key)
	w, ok := m.(*told)
	if !ok {
		ts.Fatalf("systemd listen comes first")
	}
	ts.Check(w.conn.SetReadDeadline(time.Now().Add(20 * time.Second)))
	buf := make([]byte, 4096)
	for !strings.Contains(w.text.String(), args[1]) {
		n, err := w.conn.Read(buf)
		if err != nil {
			ts.Fatalf("systemd was not told %s, but %q: %v", args[1], w.text.String(), err)
		}
		w.text.Write(append(buf[:n], '\n'))
	}
	w.text.Reset()
}

// json PATH VALUE wants a value in the JSON on standard output; PATH is like
// links.0.from.service, and "len" the length of a list.
func jsonHas(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("not JSON: %v\n%s", err, ts.ReadFile("stdout"))
	}
	for _, name := range strings.Split(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = at[name]; !ok {
				ts.Fatalf("%s: there is no %s", args[0], name)
			}
		case []any:
			if name == "len" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: there is no %s in a list of %d", args[0], name, len(at))
			}
			v = at[i]
		default:
			ts.Fatalf("%s: %s of %v", args[0], name, v)
		}
	}
	got, err := json.Marshal(v)
	ts.Check(err)
	if text := strings.Trim(string(got), `"`); (text == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s", args[0], text, args[1])
	}
}
