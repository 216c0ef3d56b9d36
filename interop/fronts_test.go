// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
)

// A program is lateral run with a RESP front, and the command line beside it.
type program struct {
	t      *testing.T
	binary string
	cmd    *exec.Cmd
	dir    string
	resp   net.Conn
	in     *bufio.Reader
}

var builtProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(tools.dir, "lateral")
	out, err := exec.Command("go", "build", "-o", path, "lateral/cmd/lateral").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return path, err
})

// runProgram starts it, and returns when it is linked with its Java node.
func runProgram(t *testing.T, n node, wrap ...string) *program {
	t.Helper()
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, binary: path, dir: t.TempDir()}
	n.more = append(n.more[:len(n.more):len(n.more)], ".TcpListenerHost=127.0.0.1")
	file := filepath.Join(p.dir, "cache.ccf")
	if err := os.WriteFile(file, []byte(n.ccf()), 0o644); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "resp.sock")
	args := append(wrap, path, "run", "--service", "values", "--config", file, "--runtime-dir", p.dir, "--resp", socket, "--resp-map", "0=alpha")
	cmd := exec.Command(args[0], args[1:]...)
	p.cmd = cmd
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	eventually(t, "the front answers", func() bool {
		p.resp, err = net.Dial("unix", socket)
		return err == nil
	})
	t.Cleanup(func() { p.resp.Close() })
	p.resp.SetDeadline(time.Now().Add(2 * time.Minute))
	p.in = bufio.NewReader(p.resp)
	return p
}

// linked waits until it has dialled the Java node.
func (p *program) linked(g generation) {
	p.t.Helper()
	eventually(p.t, "the Java node is dialled", func() bool {
		var st []cache.Status
		if err := json.Unmarshal([]byte(p.lateral("stats", "--json")), &st); err != nil {
			p.t.Fatal(err)
		}
		for _, l := range st[0].Endpoints[0].Links {
			if l.Protocol == g.family && l.Direction == "out" {
				return true
			}
		}
		return false
	})
}

// lateral runs one command and returns what it printed.
func (p *program) lateral(args ...string) string {
	p.t.Helper()
	cmd := exec.Command(p.binary, args...)
	cmd.Env = append(os.Environ(), "LATERAL_RUNTIME_DIR="+p.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Errorf("lateral %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// http reads a value as text.
func (p *program) http(key string) string {
	p.t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", filepath.Join(p.dir, "values.sock"))
	}}}
	r, err := http.NewRequestWithContext(p.t.Context(), "GET", "http://localhost/v1/regions/alpha/elements/"+key, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/plain")
	w, err := c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		p.t.Error(err)
	}
	return string(b)
}

// redis sends one request and returns the answer, as redis-cli prints it.
func (p *program) redis(args ...string) string {
	p.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(p.resp, b.String()); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.in.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	if n, err := strconv.Atoi(line[1:]); line[0] == '$' && err == nil && n >= 0 {
		text := make([]byte, n+2)
		if _, err := io.ReadFull(p.in, text); err != nil {
			p.t.Fatal(err)
		}
		return string(text[:n])
	}
	return line[1:]
}

// typed are values of each type: as the driver spells them, and as the fronts
// read and write them.
var typed = []struct{ kind, text, literal string }{
	{"string", "värde-€", "s:v%C3%A4rde-%E2%82%AC"},
	{"int", "-42", "i:-42"},
	{"long", "9000000000", "l:9000000000"},
	{"double", "2.5", "d:2.5"},
	{"boolean", "true", "b:true"},
	{"date", "1970-01-02T00:00:00.001Z", "t:86400001"},
	{"bytes", "raw", "x:726177"},
	{"list", `["a","b"]`, "list:a,b"},
	{"set", `["a"]`, "set:a"},
	{"map", `{"k":"v"}`, "map:k%3Dv"},
}

// TestFronts: what Java puts is read by redis-cli's protocol and the command
// line as a text, and what these write with a type is of that type to Java.
func TestFronts(t *testing.T) {
	each(t, func(t *testing.T, g generation) {
		a, b := lab.Port(t), lab.Port(t)
		p := runProgram(t, node{g: g, port: a, peers: []int{b}})
		j := start(t, node{g: g, port: b, peers: []int{a}})
		p.linked(g)
		reaches(t, "Lateral to Java", 1, func(k string) { p.redis("SET", k, "v") }, javaHas(j))
		reaches(t, "Java to Lateral", 2, javaPuts(j), func(k string) bool { return p.redis("GET", k) == "v" })
		for _, v := range typed {
			key := "java-" + v.kind
			j.want("ok", "put alpha s:%s %s", key, v.literal)
			eventually(t, key+" is here", func() bool { return p.redis("EXISTS", key) == "1" })
			if got := p.redis("GET", key); got != v.text {
				t.Errorf("GET reads Java's %s as %q", v.literal, got)
			}
			if got := p.redis("LATERAL.TYPE", key); got != v.kind {
				t.Errorf("Java's %s is called a %s", v.literal, got)
			}
			if got := p.lateral("get", "alpha", key); got != v.text {
				t.Errorf("lateral get prints Java's %s as %q", v.literal, got)
			}
			if got := p.http(key); got != v.text {
				t.Errorf("HTTP reads Java's %s as %q", v.literal, got)
			}
			if got := p.redis("LATERAL.SET", "resp-"+v.kind, v.kind, v.text); got != "OK" {
				t.Error(got)
			}
			p.lateral("put", "alpha", "cli-"+v.kind, "--as", v.kind, "--", v.text)
			for _, key := range []string{"resp-" + v.kind, "cli-" + v.kind} {
				eventually(t, key+" is there", func() bool { return j.get("alpha", "s:"+key) != "null" })
				if got := j.get("alpha", "s:"+key); got != v.literal {
					t.Errorf("Java gets %s as %s, want %s", key, got, v.literal)
				}
			}
		}
		j.want("ok", "put alpha i:7 s:seven")
		eventually(t, "what has an Integer as its key is here", func() bool { return p.redis("GET", "java:Integer:7") == "seven" })
		p.redis("SET", "java:Long:8", "eight")
		eventually(t, "what has a Long as its key is there", func() bool { return j.get("alpha", "l:8") == "s:eight" })
		p.redis("DEL", "java:Integer:7")
		eventually(t, "it is removed there", func() bool { return j.get("alpha", "i:7") == "null" })
		for _, v := range []struct{ request, kind, literal string }{
			{"INCR java-int", "int", "i:-41"}, {"INCRBY java-long 5", "long", "l:9000000005"}, {"INCRBYFLOAT java-double 0.5", "double", "d:3.0"}, {"SET java-boolean false", "string", "s:false"},
			{`LATERAL.SET java-list list [1,[2.0,null],{"a":true}]`, "list", "list:1,%5B2.0,%20null%5D,%7Ba%3Dtrue%7D"},
		} {
			words := strings.Fields(v.request)
			p.redis(words...)
			eventually(t, v.request+" is Java's "+v.literal, func() bool { return j.get("alpha", "s:"+words[1]) == v.literal })
			if got := p.redis("LATERAL.TYPE", words[1]); got != v.kind {
				t.Errorf("%s made a %s", v.request, got)
			}
		}
	})
}
