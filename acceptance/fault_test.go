// SPDX-License-Identifier: Apache-2.0

//go:build linux

package acceptance

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/lab"
)

// eventually polls a host's mesh until it is as wanted.
func (s *site) eventually(h *lab.Host, within time.Duration, what string, ok func(cache.MeshStatus) bool) {
	s.t.Helper()
	began := time.Now()
	lab.Eventually(s.t, within, func() error {
		st, _ := s.mesh(h)
		if ok(st) {
			return nil
		}
		return fmt.Errorf("%s: not yet: %s: complete %v, %d of %d, missing %+v", h.Name, what, st.Complete, st.Present, st.Expected, st.Missing)
	})
	s.t.Logf("%s: %s after %v", h.Name, what, time.Since(began).Round(10*time.Millisecond))
}

// TestSameInstant starts everything at once, a hundred times (row 21): never
// zero links, never two, and complete within seconds (row 22).
func TestSameInstant(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 5
	}
	s := newSite(t, lab.Options{Hosts: 2})
	slowest := time.Duration(0)
	for range rounds {
		procs := map[string]*lab.Proc{}
		var mu sync.Mutex
		var all sync.WaitGroup
		gate := make(chan struct{})
		for _, h := range s.Hosts {
			for _, svc := range services {
				flags := s.files(h, svc)
				all.Go(func() {
					<-gate
					p := h.Start(binary, append([]string{"run", "--service", svc, "--runtime-dir", s.runtimeDir(h)}, flags...)...)
					mu.Lock()
					procs[h.Name+"/"+svc] = p
					mu.Unlock()
				})
			}
		}
		close(gate)
		all.Wait()
		began := time.Now()
		s.complete(4, 7)
		slowest = max(slowest, time.Since(began))
		for _, h := range s.Hosts {
			s.agree(h, procs)
		}
		for _, p := range procs {
			p.Kill()
			p.Wait(5 * time.Second)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rounds; the slowest was complete on both hosts after %v", rounds, slowest.Round(time.Millisecond))
}

// TestLateStarters adds services and a host while the others run.
func TestLateStarters(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 1})
	procs := map[string]*lab.Proc{"oxgw01/groupware": s.run(s.Hosts[0], "groupware")}
	s.complete(1, 0)
	procs["oxgw01/admindaemon"] = s.run(s.Hosts[0], "admindaemon")
	s.complete(2, 1)
	h := s.AddHost()
	for _, svc := range services {
		procs[h.Name+"/"+svc] = s.run(h, svc)
	}
	s.complete(4, 7)
	s.agree(h, procs)
}

// TestNoRoute leaves one host without the multicast route (rows 3, 4): it says
// so, doctor fails, the others report what they miss; with the route added,
// or with Interface set, the mesh forms.
func TestNoRoute(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	h := s.Hosts[1]
	h.DropRoute(lab.PageRoute)
	procs := s.runAll()
	procs["oxgw02/groupware"].WaitLine("ip route add 224.0.0.0/8", 5*time.Second)
	out, code := s.lateral(h, append([]string{"doctor"}, s.files(h, "groupware")...)...)
	if code != 2 || !strings.Contains(out, "224.0.0.0/8") {
		t.Errorf("doctor: exit %d, want 2 and the route to add\n%s", code, out)
	}
	if st, code := s.mesh(s.Hosts[0], "--nodes", "4"); code == 0 || st.Nodes >= 4 {
		t.Errorf("%s calls the mesh complete with %d nodes while oxgw02 is deaf", s.Hosts[0].Name, st.Nodes)
	}
	h.AddRoute(lab.PageRoute)
	s.complete(4, 7)
	if out, code := s.lateral(h, append([]string{"doctor"}, s.files(h, "groupware")...)...); code == 2 {
		t.Errorf("doctor with the route: exit %d\n%s", code, out)
	}
}

// TestInterfaceSetting forms the mesh without any route (row 3).
func TestInterfaceSetting(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2, NoRoute: true})
	s.edit = func(_, text string) string {
		return text + "\njcs.auxiliary.LTCP.attributes.Interface=eth0\njcs.auxiliary.SessionLTCP.attributes.Interface=eth0\n"
	}
	s.runAll()
	s.complete(4, 7)
}

// TestIPv6 discovers by an IPv6 group, named by its interface alone: packets
// come from link-local addresses, and links are dialled there.
func TestIPv6(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	s.edit = func(_, text string) string {
		return strings.ReplaceAll(text, "224.0.0.1", "ff02::4c61") +
			"\njcs.auxiliary.LTCP.attributes.Interface=eth0\njcs.auxiliary.SessionLTCP.attributes.Interface=eth0\n"
	}
	procs := s.runAll()
	s.complete(4, 7)
	for _, h := range s.Hosts {
		s.agree(h, procs)
	}
	st, _ := s.mesh(s.Hosts[0])
	for _, l := range st.Links {
		if l.From.Host != l.To.Host && l.Remote != "" && !strings.HasPrefix(l.Remote, "[") {
			t.Errorf("a link that is not IPv6: %+v", l)
		}
	}
}

// TestInterfaceFlap takes eth0 down and up (row 13): the operator restarts
// networking, the services go on.
func TestInterfaceFlap(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	procs := s.runAll()
	s.complete(4, 7)
	h := s.Hosts[1]
	h.LinkDown()
	s.eventually(s.Hosts[0], 10*time.Second, "sees the links to oxgw02 gone", func(st cache.MeshStatus) bool { return !st.Complete })
	h.LinkUp()
	s.complete(4, 7)
	for _, h := range s.Hosts {
		s.agree(h, procs)
	}
	if groups := h.Groups(); !strings.Contains(fmt.Sprint(groups), "224.0.0.1") {
		t.Errorf("groups of eth0 after the flap: %v", groups)
	}
}

// TestHostnameLoopback has the hostname resolve to 127.0.1.1 (row 32): links
// between hosts still use eth0's address.
func TestHostnameLoopback(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	// The hosts of a lab share the file.
	s.Hosts[0].Run("sh", "-c", `printf '127.0.0.1 localhost\n127.0.1.1 oxgw01\n127.0.1.1 oxgw02\n' > /etc/hosts`)
	s.runAll()
	s.complete(4, 7)
	st, _ := s.mesh(s.Hosts[0])
	for _, l := range st.Links {
		if l.From.Host != l.To.Host && strings.HasPrefix(l.Remote, "127.") {
			t.Errorf("a link between hosts by a loopback address: %+v", l)
		}
	}
	out, code := s.lateral(s.Hosts[0], append([]string{"doctor"}, s.files(s.Hosts[0], "groupware")...)...)
	if code == 0 || !strings.Contains(out, "127.0.1.1") {
		t.Errorf("doctor does not mention that the hostname is on loopback: exit %d\n%s", code, out)
	}
}

// TestStaticOnly lists peers and no discovery (row 7): complete without a
// single UDP packet, though each endpoint names only one other.
func TestStaticOnly(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	first := s.Hosts[0].Addr.String()
	s.edit = func(_, text string) string {
		text = strings.ReplaceAll(text, "UdpDiscoveryEnabled=true", "UdpDiscoveryEnabled=false")
		return text + fmt.Sprintf("\njcs.auxiliary.LTCP.attributes.TcpServers=%s:57461\n", first) +
			fmt.Sprintf("jcs.auxiliary.SessionLTCP.attributes.TcpServers=%s:58849\n", first)
	}
	udp := s.Hosts[1].Capture(func(p lab.Packet) bool { return p.Proto == lab.UDP })
	procs := s.runAll()
	s.complete(4, 7)
	for _, h := range s.Hosts {
		s.agree(h, procs)
	}
	udp.Stop()
	if n := len(udp.Packets()); n != 0 {
		t.Errorf("%d UDP packets were sent", n)
	}
	for _, c := range s.Hosts[0].Bound() {
		t.Errorf("a UDP socket is bound: %+v", c)
	}
}

// TestTwoClusters puts two clusters on one LAN with the same group and port
// (row 33).
func TestTwoClusters(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 4})
	host := 0
	s.edit = func(_, text string) string {
		name := []string{"blue", "green"}[host%2]
		return text + "\njcs.auxiliary.LTCP.attributes.ClusterName=" + name + "\njcs.auxiliary.SessionLTCP.attributes.ClusterName=" + name + "\n"
	}
	for i, h := range s.Hosts {
		host = i
		for _, svc := range services {
			s.run(h, svc)
		}
	}
	s.complete(4, 7) // on each host: its own cluster of two hosts
	st, _ := s.mesh(s.Hosts[0])
	for _, l := range st.Links {
		for _, p := range []cache.Party{l.From, l.To} {
			if p.Host != "oxgw01" && p.Host != "oxgw03" {
				t.Errorf("a link across clusters: %+v", l)
			}
		}
	}
}

// TestPortConflict gives both services the same port (row 11).
func TestPortConflict(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 1})
	h := s.Hosts[0]
	first := s.run(h, "groupware")
	s.complete(1, 0)
	s.edit = func(_, text string) string { return strings.ReplaceAll(text, "57461", "57462") }
	second := s.run(h, "admindaemon")
	if err := second.Wait(5 * time.Second); err == nil {
		t.Fatal("the second service ended with status 0")
	}
	said := strings.Join(second.Lines(), "\n")
	for _, want := range []string{"57462", "admindaemon/cache.ccf:", fmt.Sprintf("pid %d", first.PID)} {
		if !strings.Contains(said, want) {
			t.Errorf("the refusal does not name %q:\n%s", want, said)
		}
	}
}

// TestKill kills a service with kill -9 (rows 28, 29): peers notice at once,
// go on serving and writing, and link again when it returns.
func TestKill(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	procs := s.runAll()
	s.complete(4, 7)
	gw1, gw2 := s.Hosts[0], s.Hosts[1]
	s.must(gw2, "put", "User", "stale", "old", "--service", "groupware")
	procs["oxgw01/groupware"].Kill()
	s.eventually(gw2, 2*time.Second, "misses the four links of the killed service", func(st cache.MeshStatus) bool {
		return !st.Complete && len(st.Missing) == 4 && st.Missing[0].Reason != ""
	})
	s.must(gw2, "put", "SessionCache", "s1", "while away")
	procs["oxgw01/groupware"] = s.run(gw1, "groupware")
	s.complete(4, 7)
	for _, h := range s.Hosts {
		s.agree(h, procs)
	}
	lab.Eventually(t, 2*time.Second, func() error {
		if out, _ := s.lateral(gw1, "get", "SessionCache", "s1"); strings.TrimSpace(out) != "while away" {
			return fmt.Errorf("the returned service says %q of a session put while it was away", out)
		}
		return nil
	})
	// What the killed service may have removed last is unknown: not served.
	lab.Eventually(t, 2*time.Second, func() error {
		if out, code := s.lateral(gw2, "get", "User", "stale", "--service", "groupware"); code == 0 {
			return fmt.Errorf("an element of an invalidated region outlived the gap: %q", out)
		}
		return nil
	})
}

// TestSilentDrop drops packets in one direction only (row 30): noticed within
// 5 s of silence, healed without help, and nothing is lost.
func TestSilentDrop(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	procs := s.runAll()
	s.complete(4, 7)
	gw1, gw2 := s.Hosts[0], s.Hosts[1]
	s.Block(gw1, gw2)
	s.must(gw1, "put", "SessionCache", "during", "the drop")
	s.eventually(gw2, 8*time.Second, "notices the silence", func(st cache.MeshStatus) bool { return !st.Complete })
	s.Heal()
	s.complete(4, 7)
	for _, h := range s.Hosts {
		s.agree(h, procs)
	}
	lab.Eventually(t, 2*time.Second, func() error {
		if out, _ := s.lateral(gw2, "get", "SessionCache", "during"); strings.TrimSpace(out) != "the drop" {
			return fmt.Errorf("oxgw02 says %q", out)
		}
		return nil
	})
}

// TestRestart restarts one service with SIGTERM (row 14).
func TestRestart(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	procs := s.runAll()
	s.complete(4, 7)
	p := procs["oxgw02/admindaemon"]
	p.Signal(syscall.SIGTERM)
	if err := p.Wait(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	// It said goodbye: the others do not wait for it.
	s.eventually(s.Hosts[0], 2*time.Second, "is complete without the service that left", func(st cache.MeshStatus) bool {
		return st.Complete && st.Expected == 4
	})
	procs["oxgw02/admindaemon"] = s.run(s.Hosts[1], "admindaemon")
	s.complete(4, 7)
	for _, h := range s.Hosts {
		s.agree(h, procs)
	}
}

// TestLinksOutliveDiscovery drops all UDP once the mesh stands (row 2, 31).
func TestLinksOutliveDiscovery(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	s.edit = func(_, text string) string {
		return text + "\njcs.auxiliary.LTCP.attributes.AnnounceInterval=200ms\njcs.auxiliary.LTCP.attributes.MemberTimeout=1s\n"
	}
	s.runAll()
	s.complete(4, 7)
	for _, h := range s.Hosts {
		h.Run("iptables", "-A", "INPUT", "-p", "udp", "-j", "DROP")
	}
	// Members are stale, not forgotten: wait until that shows, well past the timeout.
	lab.Eventually(t, 10*time.Second, func() error {
		if out := s.must(s.Hosts[0], "mesh", "--json"); strings.Contains(out, `"complete": true`) || strings.Contains(out, `"complete":true`) {
			return s.stale(s.Hosts[0])
		}
		t.Fatal("a link was closed because announcements stopped")
		return nil
	})
	s.complete(4, 7)
}

// stale wants some member to be marked stale in the status of a service.
func (s *site) stale(h *lab.Host) error {
	if out := s.must(h, "stats", "--json"); !strings.Contains(out, `"stale": true`) && !strings.Contains(out, `"stale":true`) {
		return fmt.Errorf("no member is marked stale")
	}
	return nil
}

// TestBadInput throws garbage at every port: the services stay up, the mesh
// stays complete, and each kind is counted and logged.
func TestBadInput(t *testing.T) {
	s := newSite(t, lab.Options{Hosts: 2})
	procs := s.runAll()
	s.complete(4, 7)
	h := s.Hosts[0]
	java := "\xac\xed\x00\x05sr\x00"
	huge := "LTR1\x01\xff\xff\xff\xff"
	h.Do(func() {
		for _, port := range []uint16{57461, 57462, 58849} {
			for _, text := range []string{"", "G", "GET / HTTP/1.0\r\n\r\n", java, huge, "LTR1\x01\x00\x00\x00\x05{}{}{", strings.Repeat("\x00", 1<<16), "LTR1\x04\x00\x00\x00\x08xxxxxxxx"} {
				c, err := net.DialTimeout("tcp", netip.AddrPortFrom(h.Addr, port).String(), time.Second)
				if err != nil {
					t.Errorf("port %d: %v", port, err)
					continue
				}
				c.Write([]byte(text))
				c.Close()
			}
			for range 50 { // half open: said nothing, kept open until the test ends
				if c, err := net.DialTimeout("tcp", netip.AddrPortFrom(h.Addr, port).String(), time.Second); err == nil {
					t.Cleanup(func() { c.Close() })
				}
			}
		}
		u, err := net.Dial("udp", "10.77.0.2:6780")
		if err == nil {
			defer u.Close()
		}
		g, err := net.DialUDP("udp4", &net.UDPAddr{IP: h.Addr.AsSlice()}, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 1), Port: 6780})
		if err != nil {
			t.Error(err)
			return
		}
		defer g.Close()
		for _, text := range []string{"", "x", java, strings.Repeat("\xff", 1400), strings.Repeat("\x00", 9000)} {
			g.Write([]byte(text))
			u.Write([]byte(text))
		}
	})
	procs["oxgw01/groupware"].WaitLine("refused", 5*time.Second)
	s.complete(4, 7)
	for name, p := range procs {
		if err := p.Wait(0); !errors.Is(err, lab.ErrRunning) {
			t.Errorf("%s has ended: %v", name, err)
		}
	}
	s.must(s.Hosts[1], "put", "SessionCache", "still", "here")
	lab.Eventually(t, 2*time.Second, func() error {
		if out, _ := s.lateral(h, "get", "SessionCache", "still"); strings.TrimSpace(out) != "here" {
			return fmt.Errorf("got %q", out)
		}
		return nil
	})
	if lines := len(procs["oxgw01/groupware"].Lines()); lines > 200 {
		t.Errorf("%d log lines: strangers can fill the disk", lines)
	}
}
