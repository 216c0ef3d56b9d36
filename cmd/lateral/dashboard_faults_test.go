// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lateral/internal/lab"
	"lateral/web"
)

// apart is a file for a service on a network of the test's own.
const apart = `jcs.default=LTCP
jcs.default.elementattributes.IsLateral=true
jcs.region.alpha=LTCP
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=%d
`

const static = "jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=false\njcs.auxiliary.LTCP.attributes.TcpServers="

// serveOn runs a service on a host of the lab and returns its socket.
func serveOn(t *testing.T, h *lab.Host, port int, more string) (socket string) {
	t.Helper()
	file := filepath.Join(h.Dir, "cache.ccf")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(apart, port)+more), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(h.Dir, "run")
	p := h.Start("lateral", "run", "--service", "groupware", "--host", h.Name, "--config", file, "--runtime-dir", dir)
	p.WaitLine("msg=started", reachTime)
	return filepath.Join(dir, "groupware.sock")
}

func showSocket(t *testing.T, socket string) *door {
	return newDoor(t, web.Showcase(socket, slog.New(slog.NewTextHandler(io.Discard, nil))))
}

// TestDashboardOneWay: of three hosts one is not heard by another any more,
// though it hears it. The third host's page says between whom a link is
// missing, and that there is one again.
func TestDashboardOneWay(t *testing.T) {
	t.Parallel()
	b := chromium(t)
	net := lab.New(t, lab.Options{Hosts: 3})
	var sockets []string
	for _, h := range net.Hosts {
		sockets = append(sockets, serveOn(t, h, 57462, "jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1\njcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=6780\n"))
	}
	d := showSocket(t, sockets[0])
	p := b.tab()
	p.open(d.url(), 1280, 900, false, false)
	p.wait(judged + `.includes("Mesh complete 3 of 3 links, 3 processes")`)
	net.Block(net.Hosts[1], net.Hosts[2])
	p.wait(judged + `.includes("Mesh incomplete 2 of 3 links")`)
	p.wait(`document.querySelectorAll("#missing li").length === 1`)
	var cells []string
	if err := p.eval(gridStates, &cells); err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		both := strings.Contains(c, "oxgw02") && strings.Contains(c, "oxgw03")
		if missing := strings.Contains(c, "|missing|"); missing != both {
			t.Errorf("cell %s", c)
		}
	}
	var card string
	if err := p.eval(`document.querySelector("#missing").innerText`, &card); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"nothing was heard", "the way between oxgw02 and oxgw03", "is TCP 10.77.0."} {
		if !strings.Contains(card, want) {
			t.Errorf("what is missing does not say %q:\n%s", want, card)
		}
	}
	clean(t, p, d)
	net.Heal()
	p.wait(judged + `.includes("Mesh complete 3 of 3 links, 3 processes")`)
	clean(t, p, d)
}

// TestDashboardJCS: a real Java node is shown with its generation, its value
// as a tree; when it is killed, it is missed.
func TestDashboardJCS(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			lab.Missing(t, "java", "needs "+tool+" in PATH for a real Java node")
		}
	}
	b := chromium(t)
	net := lab.New(t, lab.Options{Hosts: 2})
	// By address: JCS 1.3 announces itself every 30 s only, and redials as seldom.
	java := net.Hosts[1].Addr.String() + ":57461"
	ask, kill := startJava(t, net.Hosts[1], fmt.Sprintf(apart, 57461)+static+net.Hosts[0].Addr.String()+":57462\njcs.auxiliary.LTCP.attributes.TransmissionTypeName=TCP\n")
	socket := serveOn(t, net.Hosts[0], 57462, static+java+"\n")
	ask("open alpha") // which has it listen, and dial

	d := showSocket(t, socket)
	p := b.tab()
	p.open(d.url(), 1280, 900, false, false)
	p.wait(`["jcs-1.3", "out", "` + net.Hosts[1].Addr.String() + `"].every(w => document.querySelector("#java").innerText.includes(w))`)
	// JCS sends by a queue, and what it is told to put before it has dialled us goes nowhere.
	if _, ok := until(t.Context(), 20*time.Second, 10*time.Millisecond, func() (found bool) {
		ask("put alpha s:answer i:42")
		list(p, "alpha", "is", "answer")
		err := p.eval(`new Promise(done => setTimeout(() => done(document.querySelectorAll("#keys-list button").length === 1), 300))`, &found)
		return err == nil && found
	}); !ok {
		t.Fatal("what the Java node put is not listed")
	}
	p.run(`document.querySelector("#keys-list button").click()`)
	p.wait(`document.querySelector("#element pre")?.textContent.includes("42")`)
	// Java is told of no removal of a tag: counted, and named.
	if out, err := net.Hosts[0].Command("lateral", "clear", "alpha", "--tag", "news", "--runtime-dir", filepath.Dir(socket)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.run(`location.hash = "#mesh"`)
	p.wait(`["untold", "lateral → jcs-1.3", "alpha", "a tag was removed", "news"].every(w => document.querySelector("#java-losses").innerText.includes(w))`)
	p.wait(`document.querySelector("#java-disputes").hidden`)
	clean(t, p, d)
	kill()
	p.wait(`[...document.querySelectorAll("#banners p")].some(b => b.textContent.includes("Java node at ` + java + `"))`)
	p.run(`location.hash = "#mesh"`)
	p.wait(`document.querySelector("#java-links").hidden`)
	clean(t, p, d)
}

// startJava starts a real JCS 1.3 on a host and returns how it is asked
// (interop's Driver has the language), and killed.
func startJava(t *testing.T, h *lab.Host, ccf string) (ask func(string), kill func()) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cache.ccf"), []byte(ccf), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"javac", "-d", dir, filepath.Join(root, "interop/java/Driver.java")},
		{"mvn", "-q", "-B", "-f", filepath.Join(root, "interop/java/pom.xml"), "-P", "jcs13", "dependency:copy-dependencies", "-DoutputDirectory=" + filepath.Join(dir, "jars")},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	cmd := exec.Command("java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", dir+":"+filepath.Join(dir, "jars", "*"), "Driver", "org.apache.jcs")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.StartCmd(cmd)
	if err != nil {
		t.Fatal(err)
	}
	p.WaitLine("ready", time.Minute)
	answers := 0
	return func(question string) {
		t.Helper()
		answers++
		if _, err := io.WriteString(in, question+"\n"); err != nil {
			t.Fatal(err)
		}
		lab.Eventually(t, time.Minute, func() error {
			oks := 0
			for _, l := range p.Lines() {
				if l == "ok" {
					oks++
				}
			}
			if oks < answers {
				return fmt.Errorf("%s: no answer", question)
			}
			return nil
		})
	}, p.Kill
}
