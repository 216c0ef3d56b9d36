// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// A javaNode is what others see of a node of JCS 1.3: it announces itself, takes
// what is written to its port, and writes to a connection of its own.
type javaNode struct {
	w    *watch
	host byte
	ln   net.Listener
	conn net.Conn
	out  *jcs.Writer
}

const javaPort = 1110

// java starts one and has it connect to the Lateral node on another host.
func (w *watch) java(host, other byte) *javaNode {
	w.t.Helper()
	h := w.net.Host(addr(int(host)))
	ln, err := h.Listen(javaPort)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				io.Copy(io.Discard, c)
				c.Close()
			}()
		}
	}()
	j := &javaNode{w: w, host: host, ln: ln, out: jcs.NewWriter(jcs.JCS133, jcs.Serializer{})}
	j.announce()
	if j.conn, err = h.Dial(w.t.Context(), netip.AddrPortFrom(addr(int(other)), 57462).String()); err != nil {
		w.t.Fatal(err)
	}
	return j
}

func (j *javaNode) close() {
	j.ln.Close()
	j.conn.Close()
}

func (j *javaNode) announce() {
	group, err := j.w.net.Host(addr(int(j.host))).Multicast(netip.MustParseAddrPort("224.0.0.1:6780"))
	if err != nil {
		j.w.t.Fatal(err)
	}
	defer group.Close()
	says := jcs.Packet{Gen: jcs.JCS13, Kind: jcs.Passive, Host: addr(int(j.host)).String(), Port: javaPort, Requester: int64(j.host), Regions: []string{"User", "SessionCache"}}
	b, err := says.Encode(&jcs.Serializer{})
	if err != nil {
		j.w.t.Fatal(err)
	}
	group.Send(b)
}

// put is LateralTCPSender.send of an UPDATE.
func (j *javaNode) put(key, value string) {
	j.w.t.Helper()
	now := time.Now()
	b, err := j.out.Encode(&jcs.Message{Op: jcs.Update, Requester: int64(j.host), Hash: jcs.NoHash, Element: jcs.Element{Region: "SessionCache", Key: &javaser.String{S: key}, Value: &javaser.String{S: value},
		Attr: &jcs.Attributes{Eternal: true, Lateral: true, Remote: true, Spool: true, MaxLife: -1, MaxIdle: -1, Created: now, Accessed: now}}})
	if err == nil {
		_, err = j.conn.Write(b)
	}
	if err != nil {
		j.w.t.Fatal(err)
	}
}

// javaUntold: a tag is removed, of which JCS has none, while a Java node is
// connected; and then no more.
func javaUntold(w *watch, _ string) {
	w.start(1)
	j := w.java(9, 1)
	defer j.close()
	w.each = j.announce
	j.put("own", "v")
	w.pass(2 * time.Minute)
	w.alarms()
	if _, err := w.nodes[0].Do(w.t.Context(), cache.Command{Op: cache.RemoveTag, Region: "SessionCache", Key: "news"}); err != nil {
		w.t.Fatal(err)
	}
	w.pass(time.Minute)
	w.alarms("LateralJavaUntold")
	w.pass(20 * time.Minute)
	w.alarms()
}

// javaDisagree: two Java nodes write other values of some keys at the same
// moment, which a node hears that only listens; then one of them writes all of
// them again, and they agree.
func javaDisagree(w *watch, _ string) {
	w.observes = true
	w.start(1, ".ListenOnly=true")
	a, b := w.java(8, 1), w.java(9, 1)
	defer a.close()
	defer b.close()
	w.each = func() { a.announce(); b.announce() }
	a.put("calm", "v")
	w.pass(2 * time.Minute)
	w.alarms()
	for i := range 3 {
		key := fmt.Sprint("k", i)
		a.put(key, "of a")
		b.put(key, "of b")
	}
	w.pass(6 * time.Minute)
	w.alarms("LateralJavaDisagree")
	for i := range 3 {
		a.put(fmt.Sprint("k", i), "of a, again")
	}
	w.pass(time.Minute)
	w.alarms()
}
