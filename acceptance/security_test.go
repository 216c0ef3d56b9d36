// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/discover"
	"lateral/internal/lab"
	"lateral/secret"
)

const secretLine = "ClusterSecretFile=../cluster.secret\n"

// withSecret has the stock files name a file of their host's.
func (s *site) withSecret() {
	s.edit = func(_, text string) string { return text + perAuxiliary(text, strings.TrimSpace(secretLine)) }
}

// perAuxiliary returns lines of attributes for each auxiliary of a ccf.
func perAuxiliary(text string, lines ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, ".attributes="); ok && strings.HasPrefix(name, "jcs.auxiliary.") {
			for _, l := range lines {
				b.WriteString("\n" + name + ".attributes." + l)
			}
		}
	}
	return b.String() + "\n"
}

// give writes a host's file of secrets, as an operator's copy would.
func (s *site) give(h *lab.Host, list ...secret.Secret) string {
	s.t.Helper()
	path := filepath.Join(h.Dir, "etc", "cluster.secret")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(secret.Text(list, time.Now())), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// whole waits until some hosts call their mesh complete.
func (s *site) whole(nodes int, hosts ...*lab.Host) (st cache.MeshStatus) {
	s.t.Helper()
	for _, h := range hosts {
		var code int
		if st, code = s.mesh(h, "--wait", "20s", "--nodes", fmt.Sprint(nodes)); code != 0 || st.Nodes != nodes {
			s.t.Fatalf("%s: exit %d, %d nodes, missing %+v, %q", h.Name, code, st.Nodes, st.Missing, st.Notes)
		}
	}
	return st
}

// told waits for a note of a host's mesh.
func (s *site) told(h *lab.Host, text string) {
	s.t.Helper()
	lab.Eventually(s.t, 10*time.Second, func() error {
		st, _ := s.mesh(h)
		if all := strings.Join(st.Notes, "\n"); !strings.Contains(all, text) {
			return fmt.Errorf("%s does not tell %q but %q", h.Name, text, all)
		}
		return nil
	})
}

// TestNothingInClear captures what a cluster says, with a secret and without:
// the latter shows that the capture would see.
func TestNothingInClear(t *testing.T) {
	for _, secured := range []bool{false, true} {
		s := newSite(t, lab.Options{Hosts: 2})
		if k := secret.New(); secured {
			s.withSecret()
			for _, h := range s.Hosts {
				s.give(h, k)
			}
		}
		c := s.Hosts[0].Capture(nil)
		s.runAll()
		s.complete(4, 7)
		s.must(s.Hosts[0], "put", "--service", "groupware", "SessionCache", "key-of-anna", "value-of-anna")
		lab.Eventually(t, 5*time.Second, func() error {
			if out, _ := s.lateral(s.Hosts[1], "get", "--service", "groupware", "SessionCache", "key-of-anna"); !strings.Contains(out, "value-of-anna") {
				return errors.New(out)
			}
			return nil
		})
		c.Stop()
		for _, text := range []string{"key-of-anna", "value-of-anna", "SessionCache", "groupware", "admindaemon", s.Hosts[1].Name} {
			if c.Contains([]byte(text)) == secured {
				t.Errorf("secured %v: %q in the clear: %v", secured, text, !secured)
			}
		}
	}
}

// TestStrangers: who has no secret, another one, or an old packet gets nowhere,
// and is named on both sides.
func TestStrangers(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 3})
	s.withSecret()
	ours, theirs := secret.New(), secret.New()
	members, evil := s.Hosts[:2], s.Hosts[2]
	for _, h := range members {
		s.give(h, ours)
	}
	loose := s.give(evil, theirs)
	record := evil.Capture(func(p lab.Packet) bool { return p.Proto == lab.UDP })
	procs := map[string]*lab.Proc{}
	for _, h := range members {
		for _, svc := range services {
			procs[h.Name+svc] = s.run(h, svc)
		}
	}
	s.whole(4, members...)

	if err := os.Chmod(loose, 0o644); err != nil {
		t.Fatal(err)
	}
	p := s.run(evil, "groupware")
	p.WaitLine("chmod 600 "+filepath.Join(evil.Dir, "etc", "cluster.secret"), 10*time.Second)
	if err := p.Wait(10 * time.Second); err == nil {
		t.Error("it runs with a loose file")
	}
	if err := os.Chmod(loose, 0o600); err != nil {
		t.Fatal(err)
	}
	p = s.run(evil, "groupware")
	s.told(members[0], "neighbour "+evil.Addr.String()+" uses another secret, fingerprint "+theirs.Fingerprint())
	s.told(evil, "uses another secret, fingerprint "+ours.Fingerprint())
	if out, _ := s.lateral(members[0], "doctor"); !strings.Contains(out, "uses another secret, fingerprint "+theirs.Fingerprint()) {
		t.Errorf("doctor: %s", out)
	}
	if st, _ := s.mesh(evil); st.Nodes != 1 || len(st.Links) > 0 {
		t.Errorf("with another secret: %+v", st)
	}
	s.must(members[0], "put", "--service", "groupware", "SessionCache", "k", "v")
	if out, code := s.lateral(evil, "get", "--service", "groupware", "SessionCache", "k"); code != 1 {
		t.Errorf("a stranger reads: %d, %s", code, out)
	}
	p.Kill()

	s.attack(evil, members[0], record)
	s.whole(4, members...)
	for name, p := range procs {
		for _, line := range p.Lines() {
			if strings.Contains(line, "link down") {
				t.Errorf("%s lost a link: %s", name, line)
			}
		}
	}
}

// attack sends what was recorded once more, and a goodbye in the name of each
// member, to the group.
func (s *site) attack(evil, victim *lab.Host, record *lab.Capture) {
	s.t.Helper()
	record.Stop()
	st, _ := s.mesh(victim)
	var packets []lab.Packet
	for _, p := range record.Packets() {
		if p.Src.Addr() != evil.Addr && len(p.Payload) > 0 && p.Dst.Addr().IsMulticast() {
			packets = append(packets, p)
		}
	}
	if len(packets) == 0 {
		s.t.Fatal("nothing was recorded")
	}
	evil.Do(func() {
		for _, p := range packets {
			conn, err := net.Dial("udp", p.Dst.String())
			if err != nil {
				s.t.Error(err)
				return
			}
			for _, l := range st.Links {
				id, _ := strconv.ParseUint(l.PeerID, 16, 64)
				bye, err := discover.Packet{Kind: discover.Withdraw, ID: cache.NodeID(id), Node: 1, Seq: 1 << 30, Cluster: "default", Host: "x", Service: "y", Endpoint: "z"}.Append(nil, nil)
				if err != nil {
					s.t.Error(err)
				}
				conn.Write(bye)
			}
			conn.Write(p.Payload)
			forged := bytes.Clone(p.Payload)
			forged[len(forged)-9] ^= 1 // of the seal
			conn.Write(forged)
			conn.Close()
		}
	})
	s.told(victim, "neighbour "+evil.Addr.String()+" forges packets") // the last that it did
}

// TestFlood: a thousand connections that say nothing, drips, and what is too
// large or too old hold nobody up.
func TestFlood(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 3})
	s.withSecret()
	ours := secret.New()
	members, evil := s.Hosts[:2], s.Hosts[2]
	var procs []*lab.Proc
	for _, h := range members {
		s.give(h, ours)
		procs = append(procs, s.run(h, "groupware"))
	}
	s.whole(2, members...)
	to := netip.AddrPortFrom(members[0].Addr, 57462)
	dial := func() (c net.Conn) {
		evil.Do(func() {
			var err error
			if c, err = net.Dial("tcp", to.String()); err != nil {
				t.Fatal(err)
			}
		})
		return c
	}
	for range 1000 {
		defer dial().Close()
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", procs[0].PID))
	if err != nil || len(files) > 400 {
		t.Errorf("%d files are open: %v", len(files), err)
	}
	// While they stand a member comes back, which takes new links.
	procs[1].Kill()
	back := s.run(members[1], "groupware")
	s.whole(2, members...)
	s.must(members[0], "put", "--service", "groupware", "SessionCache", "k", "v")

	for name, said := range map[string][]byte{
		"a hello of 4 GB":      append([]byte("LTR1\x01"), 0xff, 0xff, 0xff, 0xff),
		"a plain hello":        append([]byte("LTR1\x01"), 0, 0, 0, 2, '{', '}'),
		"a record of TLS, cut": {0x16, 3, 1, 0xff, 0xff},
		"a ClientHello, 16 MB": append([]byte{0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, make([]byte, 0x4000-4)...),
		"something else":       []byte("GET / HTTP/1.1\r\n\r\n"),
		"a Java node":          {0xac, 0xed, 0, 5},
	} {
		c := dial()
		c.Write(said)
		answer, err := ends(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, text := range []string{members[0].Name, "groupware", "SessionCache", "OXFolderCache", "default"} {
			if bytes.Contains(answer, []byte(text)) {
				t.Errorf("%s: it is answered with %q in %q", name, text, answer)
			}
		}
	}
	drip := dial()
	drip.Write([]byte{0x16, 3, 1, 1, 0})
	lab.Eventually(t, 10*time.Second, func() error {
		if _, err := drip.Write([]byte{1}); err == nil {
			return errors.New("a byte at a time goes on")
		}
		return nil
	})
	old := tls.Client(dial(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, NextProtos: []string{"lateral"}})
	if err := old.Handshake(); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	s.told(members[0], "neighbour "+evil.Addr.String())
	back.Kill()
	s.computes(members, evil, procs[0])
}

// computes has a host begin handshakes, one after the other on many lines, for
// as long as it takes a member to come back: few of them are computed.
func (s *site) computes(members []*lab.Host, evil *lab.Host, victim *lab.Proc) {
	s.t.Helper()
	to := netip.AddrPortFrom(members[0].Addr, 57462).String()
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	before, began := cpuOf(s.t, victim), time.Now()
	var all sync.WaitGroup
	var begun, denied atomic.Int64
	ring := secret.NewRing(nil, secret.New())
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				var c net.Conn
				var err error
				if evil.Do(func() { c, err = net.Dial("tcp", to) }); err != nil {
					s.t.Error(err)
					return
				}
				begun.Add(1)
				if _, err = ring.Client(ctx, c); err != nil && strings.Contains(err.Error(), "it takes no handshakes for now") {
					denied.Add(1)
				}
				c.Close()
			}
		})
	}
	s.told(members[0], "neighbour "+evil.Addr.String()+" opens connections faster than it proves anything")
	p := s.run(members[1], "groupware")
	s.whole(2, members...)
	s.must(members[1], "put", "--service", "groupware", "SessionCache", "k", "during")
	lab.Eventually(s.t, 10*time.Second, func() error {
		if out, _ := s.lateral(members[0], "get", "--service", "groupware", "SessionCache", "k"); !strings.Contains(out, "during") {
			return errors.New(out)
		}
		if denied.Load() < 1000 {
			return fmt.Errorf("%d of %d were denied", denied.Load(), begun.Load())
		}
		return nil
	})
	stop()
	all.Wait()
	computed, took := begun.Load()-denied.Load(), time.Since(began)
	if most := 64 + 16*int64(took.Seconds()+1) + 8; computed > most {
		s.t.Errorf("%d of %d handshakes were computed in %v, at most %d may be", computed, begun.Load(), took, most)
	}
	s.t.Logf("%d handshakes begun in %v, %d of them computed; the victim used %v of CPU", begun.Load(), took, computed, cpuOf(s.t, victim)-before)
	p.Kill()
}

// cpuOf is the CPU time that a process has used.
func cpuOf(t *testing.T, p *lab.Proc) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ
}

// ends waits for the other side to close, and returns what it said before.
func ends(c net.Conn) (said []byte, err error) {
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if said, err = io.ReadAll(c); errors.Is(err, syscall.ECONNRESET) {
		err = nil
	}
	return said, err
}
